"""What a shard remembers of users and merchants: a view of the ledger, bounded, and dropped with the shard.

A history is a set keyed by identity. New transactions enter it when they are looked at, in shard order, and stay once the ledger
has committed them; what it did not take is taken back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.facts import Fact, event_ms_of, facts_of, past_facts
from consumer.scoring.features.user_history import DAY_MS, HOUR_MS, RAW_WIDTH, UserHistory
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, MerchantHour, MerchantWindows, PastTransaction, Wanted
from schemas.transaction import Received, Transaction

_ASKED_BACK_MS = 31 * DAY_MS
"""Thirty days of windows, and a day for events that come late."""
_NEEDED_BACK_MS = 30 * DAY_MS
_USER_COST = 8
_NO_MERCHANT = (float("nan"),) * 6
RECALLED_WIDTH = RAW_WIDTH + 6
_ROW = Struct(f"{RECALLED_WIDTH}d")


class Past(Protocol):
    """Tells what was not loaded ahead: backfill and golden vectors have the whole past at hand."""

    def history(self, user_id: str) -> Sequence[PastTransaction]:
        """Return the user's transactions so far."""

    def merchant(self, asked: MerchantHour) -> MerchantWindows:
        """Return the merchant's windows."""


class NoPast:
    """A `Past` in which nothing ever happened."""

    def history(self, user_id: str) -> Sequence[PastTransaction]:
        """See `Past.history`."""
        del user_id
        return ()

    def merchant(self, asked: MerchantHour) -> MerchantWindows:
        """See `Past.merchant`."""
        del asked
        return MerchantWindows((0, 0, 0), (0, 0, 0))


class NotLoaded(LookupError):
    """Features were asked of a user or merchant whose past was not loaded: that is a bug, a vector without its past would be wrong."""


@dataclass(frozen=True, slots=True)
class MemoryTerms:
    """How much is kept: transactions of users (each user costs eight more), and windows of merchants by hour."""

    max_transactions: int = 100_000
    max_merchant_hours: int = 50_000
    forgets_old: bool = True
    """Whether what lies more than 38 days before a user's newest transaction is forgotten; who cannot load it again must keep it."""


_Step: TypeAlias = tuple[UserHistory, Fact, Transaction]
"""A new transaction that was put into its user's history before the ledger had it."""


class Memory:
    """The past of one shard's users and merchants. `wanted`, `load`, `recall` for each look at a batch; then `settle` or `undo`, and
    `make_room`.

    With a `past` nothing need be loaded ahead; without one `recall` raises `NotLoaded` for what was not. Not safe between threads.
    """

    def __init__(self, terms: MemoryTerms | None = None, *, past: Past | None = None, is_used: bool = True) -> None:
        """Take the bounds and the past; a memory that is not used (the features need none) wants nothing and holds nothing."""
        self._terms, self._is_used = terms or MemoryTerms(), is_used
        self._past = past
        self._users: OrderedDict[str, UserHistory] = OrderedDict()
        self._merchants: OrderedDict[tuple[str, int], tuple[float, ...]] = (
            OrderedDict()
        )  # MerchantHour costs time to make
        self._passing: set[str] = set()
        self._journal: list[_Step] = []
        self._grown: set[UserHistory] = set()
        self._held = 0

    @property
    def held(self) -> int:
        """How many users are remembered."""
        return len(self._users)

    def wanted(self, batch: Iterable[Received]) -> Wanted:
        """Return what must be loaded before features of these transactions can be computed.

        Other shards may write of a user that is not its record's partition key: such a history is read fresh, and not kept.
        """
        if not self._is_used:
            return NOTHING_WANTED
        users: dict[str, int] = {}
        merchants: set[MerchantHour] = set()
        received = tuple(batch)
        self._passing.update(t.user_id for t, record in received if record.partition_key != t.user_id)
        for transaction, _ in received:
            event_ms = event_ms_of(transaction.event_time)
            self._want_user(transaction.user_id, event_ms, users)
            if transaction.merchant_id:
                asked = (transaction.merchant_id, event_ms // HOUR_MS)
                if asked not in self._merchants:
                    merchants.add(MerchantHour._make(asked))
        return Wanted(users, merchants) if users or merchants else NOTHING_WANTED

    def _want_user(self, user_id: str, event_ms: int, users: dict[str, int]) -> None:
        history = self._users.get(user_id)
        if history is None or event_ms - _NEEDED_BACK_MS < history.since_ms or user_id in self._passing:
            since_ms = event_ms - _ASKED_BACK_MS
            users[user_id] = min(users.get(user_id, since_ms), since_ms)

    def load(
        self,
        wanted: Wanted,
        histories: Mapping[str, Sequence[PastTransaction]],
        merchants: Mapping[MerchantHour, MerchantWindows],
    ) -> None:
        """Take what the ledger answered to `wanted`; what was held of the same users is replaced."""
        for user_id, past in histories.items():
            self._forget_user(user_id)
            self._remember(user_id, UserHistory(wanted.users[user_id], past_facts(past) if past else ()))
        for asked, windows in merchants.items():
            self._merchants[asked] = (*windows.counts, *windows.frauds)

    def recall(self, transactions: Sequence[Transaction]) -> npt.NDArray[np.float64]:
        """Return what each transaction sees of the past, [N, 30]: `UserHistory.recall`, then the merchant's counts and frauds.

        Each one enters its user's history for those after it; `settle` keeps it there, `undo` takes it back. Raises `NotLoaded`.
        """
        found = np.empty((len(transactions), RECALLED_WIDTH), np.float64)
        users, journal, pack = self._users, self._journal, _ROW.pack_into
        for row, transaction, fact in zip(found, transactions, facts_of(transactions), strict=True):
            history = users.get(transaction.user_id) or self._find_user(transaction.user_id)
            pack(row.data, 0, *history.recall(fact), *self._merchant(fact))
            if history.add(fact):
                journal.append((history, fact, transaction))
        return found

    def apply(self, rows: Sequence[Decision | Transaction]) -> None:
        """Put rows of the ledger into the histories of their users, where those are held; those that are there change nothing."""
        if not self._users or not rows:
            return
        for row, fact in zip(rows, facts_of(rows), strict=True):
            history = self._users.get(row.user_id)
            if history is not None:
                self._held += history.add(fact)

    def settle(self, effective: Mapping[Identity, Decision | Transaction]) -> None:
        """Keep what the ledger committed since the last `settle` or `undo`: of each identity its effective row, and nothing else."""
        others: list[Decision | Transaction] = []
        find, touch = effective.get, self._users.move_to_end
        for history, fact, transaction in self._journal:
            row = find(Identity._make(transaction[:2]))
            if row is None or row.content_hash != transaction.content_hash:
                history.remove(fact)
                self._held -= 1
                others.extend([row] if row else [])
            touch(transaction.user_id)
        self.keep()
        self.apply(others)

    def keep(self) -> None:
        """Keep all that entered since the last `settle`: for a caller who knows that everything was taken."""
        self._held += len(self._journal)
        self._grown.update([history for history, _, _ in self._journal])
        self._journal.clear()

    def undo(self) -> None:
        """Take back what entered since the last `settle`."""
        for history, fact, _ in self._journal:
            history.remove(fact)
        self._journal.clear()

    def make_room(self) -> None:
        """Forget what no later batch can ask for, users of foreign keys, and what exceeds the bounds.

        Not between the halves of a batch: what was loaded, and what had to be loaded, was found out for all of it.
        """
        if self._terms.forgets_old:
            self._held -= sum(history.prune() for history in self._grown)
        self._grown.clear()
        for user_id in self._passing:
            self._forget_user(user_id)
        self._passing.clear()
        while self._held > self._terms.max_transactions and self._users:
            self._forget_user(next(iter(self._users)))
        while len(self._merchants) > self._terms.max_merchant_hours:
            self._merchants.popitem(last=False)

    def _find_user(self, user_id: str) -> UserHistory:
        history = self._users.get(user_id)  # an empty one is false, and found all the same
        if history is None:
            if self._past is None:
                raise NotLoaded(NotLoaded.__doc__)
            history = UserHistory(-np.inf, past_facts(self._past.history(user_id)))
            self._remember(user_id, history)
        return history

    def _merchant(self, fact: Fact) -> tuple[float, ...]:
        if not fact.merchant_id:
            return _NO_MERCHANT
        found = self._merchants.get((fact.merchant_id, fact.event_ms // HOUR_MS))
        if found is None:
            if self._past is None:
                raise NotLoaded(NotLoaded.__doc__)
            asked = MerchantHour(fact.merchant_id, fact.event_ms // HOUR_MS)
            windows = self._past.merchant(asked)
            found = self._merchants[asked] = (*windows.counts, *windows.frauds)
        return found

    def _remember(self, user_id: str, history: UserHistory) -> None:
        self._users[user_id] = history
        self._held += len(history) + _USER_COST

    def _forget_user(self, user_id: str) -> None:
        history = self._users.pop(user_id, None)
        if history is not None:
            self._held -= len(history) + _USER_COST

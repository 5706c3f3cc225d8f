"""What a shard remembers of users and merchants: a view of the ledger, bounded, and dropped with the shard.

A history is a set keyed by identity. New transactions enter it when they are looked at, in shard order, and stay once the ledger
has committed them; what it did not take is taken back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, TypeAlias

import numpy as np

from consumer.scoring.features.columns import FEW, Columns, event_ms_of, event_times_ms
from consumer.scoring.features.facts import FACT_BYTES, facts_of, numbers_of, past_numbers
from consumer.scoring.features.looks import Events, Floats, look_back, split_late
from consumer.scoring.features.merchant_hours import NO_MERCHANT, WINDOWS, MerchantHours
from consumer.scoring.features.past import Past
from consumer.scoring.features.texts import TextCodes
from consumer.scoring.features.user_history import DAY_MS, HOUR_MS, RAW_WIDTH, Raw, UserHistory, codes_in
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, MerchantHour, MerchantWindows, PastTransaction, Wanted
from schemas.transaction import Received, Transaction

_ASKED_BACK_MS = 31 * DAY_MS
"""Thirty days of windows, and a day for events that come late."""
_NEEDED_BACK_MS = 30 * DAY_MS
_USER_COST = 8
_MANY_TEXTS = 10_000
_LONG = 4_000
"""With histories so long in all, even few events are looked at together."""
RECALLED_WIDTH = RAW_WIDTH + WINDOWS.size // 8
_ROW = Struct(f"{RECALLED_WIDTH}d")


class NotLoaded(LookupError):
    """Features were asked of a user or merchant whose past was not loaded: that is a bug, a vector without its past would be wrong."""


@dataclass(frozen=True, slots=True)
class MemoryTerms:
    """How much is kept: transactions of users (each user costs eight more), and windows of merchants by hour."""

    max_transactions: int = 100_000
    max_merchant_hours: int = 50_000
    forgets_old: bool = True
    """Whether what lies more than 38 days before a user's newest transaction is forgotten; who cannot load it again must keep it."""
    share_of: Callable[[int], int] = int
    """What this memory may hold of `max_transactions` now, where several share them; int: all."""


_Step: TypeAlias = tuple[UserHistory, Transaction | Decision]
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
        self._merchants, self._codes, self._most_texts = MerchantHours(), TextCodes(), _MANY_TEXTS
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
        received, find = tuple(batch), self._merchants.find
        self._passing.update([t.user_id for t, record in received if record.partition_key != t.user_id])
        times_ms = event_times_ms([t.event_time for t, _ in received])
        for (transaction, _), event_ms in zip(received, times_ms, strict=True):
            user_id, merchant_id, hour = transaction.user_id, transaction.merchant_id, event_ms // HOUR_MS
            history = self._users.get(user_id)
            if history is None or event_ms - _NEEDED_BACK_MS < history.since_ms or user_id in self._passing:
                since_ms = event_ms - _ASKED_BACK_MS
                users[user_id] = min(users.get(user_id, since_ms), since_ms)
            if merchant_id and find(merchant_id, hour) is None:
                merchants.add(MerchantHour(merchant_id, hour))
        return Wanted(users, merchants) if users or merchants else NOTHING_WANTED

    def load(
        self,
        wanted: Wanted,
        histories: Mapping[str, Sequence[PastTransaction]],
        merchants: Mapping[MerchantHour, MerchantWindows],
    ) -> None:
        """Take what the ledger answered to `wanted`; what was held of the same users is replaced."""
        for user_id, past in histories.items():
            self._forget_user(user_id)
            self._load_user(user_id, wanted.users[user_id], past)
        for asked, windows in merchants.items():
            self._merchants.put(*asked, windows)

    def recall(self, columns: Columns) -> Floats:
        """Return what each transaction sees of the past, [30, N]: `UserHistory.recall`, then the merchant's counts and frauds.

        Each one enters its user's history for those after it; `settle` keeps it there, `undo` takes it back. Raises `NotLoaded`.
        """
        merchants = self._merchant_windows(columns)
        if len(columns) < FEW and sum(map(len, map(self._history, columns["user_id"]))) < _LONG:
            each = zip(self._recall_each(columns), WINDOWS.iter_unpack(merchants), strict=True)
            packed = b"".join([_ROW.pack(*seen, *windows) for seen, windows in each])
            return np.frombuffer(packed).reshape(-1, RECALLED_WIDTH).T
        found = np.empty((RECALLED_WIDTH, len(columns)))
        found[RAW_WIDTH:] = np.frombuffer(merchants).reshape(len(columns), -1).T
        late = self._recall_together(columns, found)
        if late:
            alone = Columns([columns.transactions[row] for row in late])
            found[:RAW_WIDTH, late] = np.array(self._recall_each(alone)).T
        return found

    def _recall_each(self, columns: Columns) -> list[Raw]:
        histories = list(map(self._history, columns["user_id"]))
        facts, found = facts_of(columns, self._codes), []
        for history, fact, transaction in zip(histories, facts, columns.transactions, strict=True):
            found.append(history.recall(fact))
            if history.add(fact):
                self._journal.append((history, transaction))
        return found

    def _recall_together(self, columns: Columns, found: Floats) -> list[int]:
        """Find the same of all whose users' events ascend; return the rows of the others."""
        numbers: dict[str, int] = {}
        user = np.array([numbers.setdefault(user_id, len(numbers)) for user_id in columns["user_id"]])
        histories = list(map(self._history, numbers))
        last_ms = np.array([history.last_ms for history in histories])
        rows, late = split_late(user, np.array(columns.event_ms), last_ms)
        ids, packed, at = columns["transaction_id"], numbers_of(columns, self._codes).tobytes(), []
        for row, number in zip(rows.tolist(), user[rows].tolist(), strict=True):
            history = histories[number]
            self._journal.append((history, columns.transactions[row]))
            at.append(history.append(ids[row], packed[row * FACT_BYTES : (row + 1) * FACT_BYTES]))
        found[:RAW_WIDTH, rows] = look_back(histories, Events(user[rows], np.array(at, np.int64)))
        return late

    def apply(self, rows: Sequence[Decision | Transaction]) -> None:
        """Put rows of the ledger into the histories of their users, where those are held; those that are there change nothing."""
        held = [row for row in rows if row.user_id in self._users]
        if held:
            for row, fact in zip(held, facts_of(Columns(held), self._codes), strict=True):
                self._held += self._users[row.user_id].add(fact)

    def settle(self, effective: Mapping[Identity, Decision | Transaction]) -> None:
        """Keep what the ledger committed since the last `settle` or `undo`: of each identity its effective row, and nothing else."""
        others: list[Decision | Transaction] = []
        find: Callable[[Any], Decision | Transaction | None] = effective.get  # a plain tuple finds an Identity
        touch = self._users.move_to_end
        for history, transaction in self._journal:
            row = find(transaction[:2])
            if row is None or row.content_hash != transaction.content_hash:
                history.remove(event_ms_of(transaction.event_time), transaction.transaction_id)
                self._held -= 1
                others.extend([row] if row else [])
            touch(transaction.user_id)
        self.keep()
        self.apply(others)

    def keep(self) -> None:
        """Keep all that entered since the last `settle`: for a caller who knows that everything was taken."""
        self._held += len(self._journal)
        self._grown.update([history for history, _ in self._journal if history.is_crowded])
        self._journal.clear()

    def undo(self) -> None:
        """Take back what entered since the last `settle`."""
        for history, transaction in self._journal:
            history.remove(event_ms_of(transaction.event_time), transaction.transaction_id)
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
        most = self._terms.share_of(self._terms.max_transactions)
        while self._held > most and self._users:
            self._forget_user(next(iter(self._users)))
        self._merchants.make_room(self._terms.max_merchant_hours)
        if len(self._codes) > self._most_texts:
            self._codes.keep(codes_in(self._users.values()))
            self._most_texts = max(_MANY_TEXTS, 2 * len(self._codes))

    def _history(self, user_id: str) -> UserHistory:
        history = self._users.get(user_id)
        if history is None:  # an empty one is false, and found all the same
            if self._past is None:
                raise NotLoaded(NotLoaded.__doc__)
            history = self._load_user(user_id, -np.inf, self._past.history(user_id))
        return history

    def _merchant_windows(self, columns: Columns) -> bytes:
        hours = [event_ms // HOUR_MS for event_ms in columns.event_ms]
        asked = zip(columns["merchant_id"], hours, strict=True)
        find = self._merchants.find
        found = [(find(*each) or self._ask_merchant(*each)) if each[0] else NO_MERCHANT for each in asked]
        return b"".join(found)

    def _ask_merchant(self, merchant_id: str, hour: int) -> bytes:
        if self._past is None:
            raise NotLoaded(NotLoaded.__doc__)
        return self._merchants.put(merchant_id, hour, self._past.merchant(MerchantHour(merchant_id, hour)))

    def _load_user(self, user_id: str, since_ms: float, past: Sequence[PastTransaction]) -> UserHistory:
        ids = [each.transaction_id for each in past]
        numbers = past_numbers(past, self._codes).tobytes() if past else b""
        history = self._users[user_id] = UserHistory(since_ms, ids, numbers)
        self._held += len(history) + _USER_COST
        return history

    def _forget_user(self, user_id: str) -> None:
        history = self._users.pop(user_id, None)
        if history is not None:
            self._held -= len(history) + _USER_COST

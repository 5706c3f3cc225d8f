"""What the store of bundles and policies must do, over memory and S3 alike."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from consumer.models.errors import DamagedObject, NotInStore, VersionTaken
from consumer.models.layout import bundle_key, policy_key
from consumer.models.objects import Tag
from consumer.models.s3 import S3ModelObjects
from consumer.models.store import BundleStore, unlisted_files
from consumer.scoring.bundle import DEFAULT_BUNDLE, BundleRefused, load_bundle
from consumer.scoring.policy import PolicyError
from infra.local.environment import LocalEnvironment
from sinks.errors import PermanentSinkError, TransientSinkError
from tests.contract.model_subjects import ModelSubject, a_bundle, digest_of, memory_subject, s3_subject
from tests.contract.s3_faults import client_without_retries
from tests.scoring_builders import edit_manifest, reseal

pytestmark = pytest.mark.real
FILES = ("manifest.json", "model.onnx", "policy.toml")


@pytest.fixture(params=["memory", "s3"])
def subject(request: pytest.FixtureRequest) -> ModelSubject:
    if request.param == "memory":
        return memory_subject()
    environment: LocalEnvironment = request.getfixturevalue("local_environment")
    return s3_subject(client_without_retries(environment))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_bundle_comes_back_under_the_digest_of_its_manifest(subject: ModelSubject, tmp_path: Path) -> None:
    digest = subject.store.put(DEFAULT_BUNDLE)
    assert digest == digest_of(DEFAULT_BUNDLE)
    subject.store.fetch(digest, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(DEFAULT_BUNDLE)
    assert load_bundle(tmp_path / "out").manifest == load_bundle(DEFAULT_BUNDLE).manifest


def test_putting_a_bundle_again_changes_nothing(subject: ModelSubject) -> None:
    assert subject.store.put(DEFAULT_BUNDLE) == subject.store.put(DEFAULT_BUNDLE)


def test_files_that_the_manifest_lists_beyond_the_model_travel_too_and_others_stay(
    subject: ModelSubject, tmp_path: Path
) -> None:
    folder = a_bundle(tmp_path / "in")
    (folder / "plots").mkdir()
    (folder / "card.md").write_text("# Card")
    (folder / "plots" / "pr.png").write_bytes(b"\x89PNG")
    (folder / "notes.txt").write_text("mine")
    reseal(folder, "card.md", "plots/pr.png")
    assert list(unlisted_files(folder)) == ["notes.txt"]
    subject.store.fetch(subject.store.put(folder), tmp_path / "out")
    assert sorted(contents(tmp_path / "out")) == sorted(["card.md", *FILES, "plots/pr.png"])
    load_bundle(tmp_path / "out")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_upload_that_is_cut_off_anywhere_leaves_no_bundle_and_can_be_repeated(
    subject: ModelSubject, tmp_path: Path, when: str
) -> None:
    writes = 6  # the policy and its version, model, policy, the model's version, manifest
    for number in range(writes):
        folder = a_bundle(tmp_path / f"in-{number}", f"m-{number}", f"p-{number}")
        uploads = _Interrupted(subject, number, when)
        with pytest.raises(TransientSinkError):
            BundleStore(uploads).put(folder)
        if number < writes - 1:
            with pytest.raises(NotInStore, match="cut off"):
                subject.store.fetch(digest_of(folder), tmp_path / "never")
        digest = subject.store.put(folder)
        subject.store.fetch(digest, tmp_path / f"out-{number}")
    assert uploads.writes == writes, "every write was cut off once"


class _Interrupted:
    """Makes one write of an upload fail."""

    def __init__(self, subject: ModelSubject, number: int, when: str) -> None:
        self._subject, self._number, self._when, self.writes = subject, number, when, 0
        self.read, self.address = subject.objects.read, subject.objects.address

    def write(self, key: str, body: bytes, over: Tag | None) -> bool:
        if self.writes == self._number:
            self._subject.fail_next(self._when)
        self.writes += 1
        return self._subject.objects.write(key, body, over)


@pytest.mark.parametrize("file", FILES)
def test_an_object_with_a_flipped_bit_is_named_and_nothing_stands_in_its_place(
    subject: ModelSubject, tmp_path: Path, file: str
) -> None:
    digest = subject.store.put(DEFAULT_BUNDLE)
    spoiled = bytearray((DEFAULT_BUNDLE / file).read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    subject.force(bundle_key(digest, file), bytes(spoiled))
    with pytest.raises(DamagedObject, match=rf"bundles/{digest}/{file}: its SHA-256 is not .* push .* again"):
        subject.store.fetch(digest, tmp_path / "out")
    assert not (tmp_path / "out" / file).exists()
    with pytest.raises(DamagedObject, match=file):
        subject.store.put(DEFAULT_BUNDLE)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_object_is_named(subject: ModelSubject, tmp_path: Path, file: str) -> None:
    digest = subject.store.put(DEFAULT_BUNDLE)
    subject.force(bundle_key(digest, file), None)
    with pytest.raises(NotInStore, match=rf"bundles/{digest}/{file} does not exist\. Push it"):
        subject.store.fetch(digest, tmp_path / "out")
    subject.store.put(DEFAULT_BUNDLE)
    subject.store.fetch(digest, tmp_path / "out")


def test_the_manifest_of_another_bundle_is_damage(subject: ModelSubject, tmp_path: Path) -> None:
    digest, other = subject.store.put(DEFAULT_BUNDLE), a_bundle(tmp_path / "other", "other")
    subject.force(bundle_key(digest, "manifest.json"), (other / "manifest.json").read_bytes())
    with pytest.raises(DamagedObject, match=r"manifest\.json"):
        subject.store.fetch(digest, tmp_path / "out")


def test_fetching_mends_a_folder_and_reads_only_what_is_wrong(subject: ModelSubject, tmp_path: Path) -> None:
    digest = subject.store.put(DEFAULT_BUNDLE)
    subject.store.fetch(digest, tmp_path)
    (tmp_path / "policy.toml").write_text("spoiled")
    (tmp_path / "manifest.json").unlink()
    subject.force(bundle_key(digest, "model.onnx"), None)
    subject.store.fetch(digest, tmp_path)
    assert contents(tmp_path) == contents(DEFAULT_BUNDLE)


def test_a_listed_name_that_leads_out_of_the_folder_is_refused(subject: ModelSubject, tmp_path: Path) -> None:
    for number, name in enumerate(("../evil", "/etc/evil", "a/../../evil", ".hidden", "a//b", "a\n", "")):
        folder = a_bundle(tmp_path / f"in-{number}", f"m-{number}")
        edit_manifest(folder, files={name: "0" * 64})
        with pytest.raises(DamagedObject, match="no manifest"):
            subject.store.put(folder)
        digest = digest_of(folder)
        subject.force(bundle_key(digest, "manifest.json"), (folder / "manifest.json").read_bytes())
        with pytest.raises(DamagedObject, match="no manifest"):
            subject.store.fetch(digest, tmp_path / "out")


def test_a_folder_that_is_not_whole_is_not_stored(subject: ModelSubject, tmp_path: Path) -> None:
    folder = a_bundle(tmp_path / "in")
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-1])
    with pytest.raises(BundleRefused, match=r"model\.onnx: its SHA-256 is not the manifest's"):
        subject.store.put(folder)
    with pytest.raises(NotInStore):
        subject.store.fetch(digest_of(folder), tmp_path / "out")


def test_a_version_stands_for_one_content_for_good(subject: ModelSubject, tmp_path: Path) -> None:
    digest = subject.store.put(a_bundle(tmp_path / "one", "m/1", "p/1"))
    with pytest.raises(VersionTaken, match=f"version m/1 stands for {digest} already"):
        subject.store.put(a_bundle(tmp_path / "two", "m/1", "p/2"))
    with pytest.raises(VersionTaken, match="version p/1 stands for"):
        subject.store.put_policy((tmp_path / "one" / "policy.toml").read_bytes() + b"\n")
    assert subject.store.find_bundle("m/1") == digest
    assert subject.store.find_bundle("m/2") is None


def test_a_policy_is_found_by_its_version_whether_it_came_alone_or_in_a_bundle(
    subject: ModelSubject, tmp_path: Path
) -> None:
    folder = a_bundle(tmp_path / "in", "m-1", "ours/1")
    subject.store.put(folder)
    digest, policy = subject.store.put_policy((folder / "policy.toml").read_bytes().replace(b"ours/1", b"ours/2"))
    bundled = subject.store.find_policy("ours/1")
    assert subject.store.find_policy("ours/2") == digest != bundled
    assert subject.store.policy(digest) == policy
    assert bundled is not None
    assert subject.store.policy(bundled).version == "ours/1"
    assert subject.store.find_policy("ours/3") is None


def test_a_policy_that_is_wrong_is_not_stored_and_one_that_is_damaged_is_named(subject: ModelSubject) -> None:
    text = (DEFAULT_BUNDLE / "policy.toml").read_bytes()
    with pytest.raises(PolicyError, match=r"line 3: classify_above"):
        subject.store.put_policy(text.replace(b"classify_above = 0.5", b"classify_above = 5.0"))
    digest, _ = subject.store.put_policy(text)
    subject.force(policy_key(digest), text + b" ")
    with pytest.raises(DamagedObject, match=f"policies/{digest}.toml"):
        subject.store.policy(digest)
    subject.force(policy_key(digest), None)
    with pytest.raises(NotInStore):
        subject.store.policy(digest)


def test_a_missing_bucket_is_permanent_and_says_what_to_do(local_environment: LocalEnvironment, tmp_path: Path) -> None:
    store = BundleStore(S3ModelObjects(client_without_retries(local_environment), f"nowhere-{uuid4()}"))
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        store.put(DEFAULT_BUNDLE)
    with pytest.raises(PermanentSinkError, match="create the bucket"):
        store.fetch(digest_of(DEFAULT_BUNDLE), tmp_path)

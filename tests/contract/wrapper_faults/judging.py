"""Wrappers that let pass or refuse in a wrong way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from anchorhold.errors import RefusedError
from anchorhold.plugin import CreatedKey, KeyHandle, hookimpl
from contract.right_wrapper import RightWrapper

if TYPE_CHECKING:
    from anchorhold.plugin import (
        CreateKeyRequest,
        FindKeyRequest,
        KeyRequest,
        Secrets,
        Signer,
        SignRequest,
        Wrapping,
    )


class AssumesADraft(RightWrapper):
    """Takes every signature for that of a certificate."""

    def judge(self, request: SignRequest) -> None:
        assert request.draft is not None
        super().judge(request)


class AssumesAnActor(RightWrapper):
    """Takes it that somebody acts."""

    def judge(self, request: SignRequest) -> None:
        assert request.audit is not None
        super().judge(request)


class SkipsTheRest(RightWrapper):
    """Returns before the yield what it does not care about."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        if request.purpose == "ocsp":
            return b""
        self.judge(request)
        return (yield)


class SignsItself(RightWrapper):
    """Signs, and lets the key sign once more."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        yield
        return signer.sign(request.message, request.algorithm)


class YieldsTwice(RightWrapper):
    """Yields once more for CRLs."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        signature = yield
        if request.purpose == "crl":
            signature = yield
        return signature


class ForgetsTheSignature(RightWrapper):
    """Returns nothing."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Any:
        self.judge(request)
        yield


class SpoilsSignatures(RightWrapper):
    """Puts something else in the place of a signature."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        return b"\x00" * len((yield))


class AddsToHandles(RightWrapper):
    """Puts a note into the handle of a key."""

    @hookimpl(wrapper=True)
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> Wrapping[CreatedKey]:
        created = yield
        handle = KeyHandle(version=1, data={**created.handle.data, "by": "me"})
        return CreatedKey(handle=handle, public_key=created.public_key)


class FindsOnlyOne(RightWrapper):
    """Answers with a list."""

    @hookimpl(wrapper=True)
    def find_key(self, request: FindKeyRequest) -> Any:
        return list((yield))


class ForgetsDeletions(RightWrapper):
    """Does not hand on whether a key was there."""

    @hookimpl(wrapper=True)
    def delete_key(self, request: KeyRequest) -> Wrapping[bool]:
        yield
        return False


class ShowsAnotherKey(RightWrapper):
    """Lends a signer for another key."""

    @hookimpl(wrapper=True)
    def load_signer(self, request: KeyRequest) -> Any:
        from anchorhold import software_keys
        from anchorhold.public_keys import spec_of

        signer = yield
        return software_keys.SoftwareSigner(software_keys.generate(spec_of(signer.public_key)))


class SwallowsErrors(RightWrapper):
    """Answers with nothing where the backend has failed."""

    @hookimpl(wrapper=True)
    def export_key(self, request: KeyRequest) -> Any:
        try:
            return (yield)
        except Exception:
            return None


class TranslatesErrors(RightWrapper):
    """Makes refusals of all errors."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        try:
            return (yield)
        except Exception as error:
            raise RefusedError("names: it has failed", hint="try again") from error


class CatchesTheKeyboard(RightWrapper):
    """Takes the person at the terminal for an error."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        try:
            return (yield)
        except KeyboardInterrupt:
            raise RefusedError("names: interrupted", hint="try again") from None


class BrokenByAnError(RightWrapper):
    """Is never the same after an error."""

    failed = False

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        if self.failed:
            raise RefusedError("names: it has failed once", hint="start again")
        try:
            return (yield)
        except BaseException:
            self.failed = True
            raise


class RefusesAfterwards(RightWrapper):
    """Lets the key sign before it looks."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        signature = yield
        self.judge(request)
        return signature


class RefusesNothing(RightWrapper):
    """Only logs what it should refuse."""

    def judge(self, request: SignRequest) -> None:
        return


class RemembersTheFirst(RightWrapper):
    """Judges the first request for each authority."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        if request.ca.name not in self.counted:
            self.judge(request)
            self.count(request.ca.name)
        return (yield)


class RefusesForEver(RightWrapper):
    """Refuses everything after one refusal."""

    def judge(self, request: SignRequest) -> None:
        if self.counted["refused"]:
            raise RefusedError("names: it has refused before", hint="start again")
        try:
            super().judge(request)
        except RefusedError:
            self.count("refused")
            raise


class JudgesTheLastRequest(RightWrapper):
    """Judges what it finds in an attribute, which another thread has put there."""

    request: Any = None

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.request = request
        time.sleep(0.005)
        self.judge(self.request)
        return (yield)


class RefusesWithoutAHint(RightWrapper):
    """Does not say what to do."""

    def judge(self, request: SignRequest) -> None:
        try:
            super().judge(request)
        except RefusedError as error:
            raise RefusedError(error.problem, hint="") from None


class RefusesByAssertion(RightWrapper):
    """Raises what is taken for a defect."""

    def judge(self, request: SignRequest) -> None:
        try:
            super().judge(request)
        except RefusedError as error:
            raise ValueError(error.problem) from None

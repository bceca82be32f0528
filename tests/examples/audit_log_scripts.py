"""What other processes do to an audit log: end while they sign, append at once, run into the end of a disk."""

from __future__ import annotations

from typing import Final

KILLER: Final = """
import os, signal
from anchorhold.plugin import hookimpl

class Killer:
    anchorhold_api = 1

    def __init__(self, options, context):
        pass

    @hookimpl(wrapper=True)
    def sign(self, request):
        if request.draft is not None and "killed.example.com" in request.draft.dns_names:
            os.kill(os.getpid(), signal.SIGKILL)
        return (yield)
"""
"""A wrapper that ends the process when the key is to sign."""
APPEND: Final = """
import sys, pathlib
from anchorhold_audit_log.log_file import LogFile

log = LogFile(pathlib.Path(sys.argv[1]), 30)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    log.append("intent", {"id": f"{sys.argv[3]} {number}"})
    log.append("signed", {"id": f"{sys.argv[3]} {number}"})
"""
FILL: Final = """
import pathlib, resource, sys
from anchorhold_audit_log.log_file import LogFile

path = pathlib.Path(sys.argv[1])
size = path.stat().st_size + 60
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    LogFile(path, 1).append("intent", {"id": "x" * 200})
except OSError as error:
    print(error.strerror)
"""

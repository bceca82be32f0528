"""Wrapper ``audit-log``: no signature without a line in a log whose lines vouch for each other."""

from anchorhold_audit_log.wrapper import AuditLog

__all__ = ["AuditLog"]

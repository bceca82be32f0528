"""The Django project that django-ca runs in, as the texts of its files.

It holds what django-ca's guide for use as a Django app asks for and nothing else: no admin site and no sessions, which
have no part in the commands that are measured. Certificates go to SQLite, private keys to files. Commits are durable:
with a rollback journal, which is what Django takes unless it is told, or with WAL, which is quicker. Where the
environment leads to a token, it is a second key backend.
"""

JOURNALS = ("delete", "wal")
"""Names of SQLite's journal modes; the variable JOURNAL chooses one, and the database file of that name."""
SETTINGS = """\
import os
from pathlib import Path

FOLDER = Path(__file__).parent
JOURNAL = os.environ.get("JOURNAL", "delete")
FILES = "django.core.files.storage.FileSystemStorage"

SECRET_KEY = "for the benchmark only"
USE_TZ = True
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_object_actions", "django_ca"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / f"{JOURNAL}.sqlite3",
        "OPTIONS": {"init_command": f"PRAGMA journal_mode = {JOURNAL}; PRAGMA synchronous = FULL"},
    }
}
STORAGES = {
    "default": {"BACKEND": FILES},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "django-ca": {
        "BACKEND": FILES,
        "OPTIONS": {
            "location": FOLDER / "files",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
CA_USE_CELERY = False
CA_KEY_BACKENDS = {
    "default": {
        "BACKEND": "django_ca.key_backends.storages.StoragesBackend", "OPTIONS": {"storage_alias": "django-ca"}
    }
}
if "BENCH_LIBRARY" in os.environ:
    CA_KEY_BACKENDS["hsm"] = {
        "BACKEND": "django_ca.key_backends.hsm.HSMBackend",
        "OPTIONS": {
            "library_path": os.environ["BENCH_LIBRARY"],
            "token": os.environ["BENCH_TOKEN"],
            "user_pin": os.environ["BENCH_PIN"],
        },
    }
"""

URLS = """\
from django.urls import include, path

urlpatterns = [path("ca/", include("django_ca.urls"))]
"""

MANAGE = """\
import sys

from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""

FILES = {"settings.py": SETTINGS, "urls.py": URLS, "manage.py": MANAGE}
"""The project's files by name. ``manage.py`` takes the settings from DJANGO_SETTINGS_MODULE."""

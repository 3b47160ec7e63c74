"""Settings of Apache Superset, read by its own environment through SUPERSET_CONFIG_PATH.

What differs between machines comes from the environment: KLIMATPULS_HOME, the home whose folder
``superset`` holds Superset's metadata, and SUPERSET_SECRET_KEY; without the latter the key is the one that
``klimatpuls bi`` generated into the home (``secrets.json``, mode 0600). No secret has a default.
"""

import json
import os
from pathlib import Path

_HOME = Path(os.environ["KLIMATPULS_HOME"])


def _secret_key() -> str:
    """The key that signs sessions and encrypts the warehouse's password in Superset's metadata."""
    given = os.environ.get("SUPERSET_SECRET_KEY")
    return given or json.loads((_HOME / "secrets.json").read_text(encoding="utf-8"))["superset_key"]


SECRET_KEY = _secret_key()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset' / 'superset.db'}"

APP_NAME = "Klimatpuls"
# Superset ships no Swedish of its own: its menus are English, the dashboard's labels Swedish, and numbers
# and dates are written as in Swedish.
BABEL_DEFAULT_LOCALE = "en"
LANGUAGES: dict[str, dict[str, str]] = {}
D3_FORMAT = {"decimal": ",", "thousands": "\u00a0", "grouping": [3], "currency": ["", "\u00a0kr"]}
D3_TIME_FORMAT = {
    "dateTime": "%Y-%m-%d %H:%M",
    "date": "%Y-%m-%d",
    "time": "%H:%M:%S",
    "periods": ["fm", "em"],
    "days": ["söndag", "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag"],
    "shortDays": ["sön", "mån", "tis", "ons", "tors", "fre", "lör"],
    "months": [
        *("januari", "februari", "mars", "april", "maj", "juni"),
        *("juli", "augusti", "september", "oktober", "november", "december"),
    ],
    "shortMonths": [
        *("jan", "feb", "mars", "apr", "maj", "juni"),
        *("juli", "aug", "sep", "okt", "nov", "dec"),
    ],
}

# A publication must be seen at once: nothing the warehouse answered is kept.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# This machine only, and nothing from it to others: Superset's page would fetch a counting pixel and map
# tiles; a browser that obeys this policy asks nobody but Superset.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
# Cookies know no ports: without a name of its own this session would end another one on this machine.
SESSION_COOKIE_NAME = "klimatpuls_superset"

# Files stay out of the warehouse, and nobody signs up by himself.
AUTH_USER_REGISTRATION = False
PUBLIC_ROLE_LIKE = None
ROW_LIMIT = 50_000
SQL_MAX_ROW = 100_000
ALERT_REPORTS_NOTIFICATION_DRY_RUN = True
FEATURE_FLAGS = {"ALERT_REPORTS": False, "THUMBNAILS": False}

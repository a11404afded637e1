"""What both peers are told, by environment variables."""

import os
from urllib.parse import SplitResult, urlsplit

DATABASE: SplitResult = urlsplit(os.environ["PEER_DATABASE_URL"])
"""`mysql://user:password@host:port/name`"""

MAIL_URL = f"{os.environ['PEER_MAIL_API_URL']}/api/v1/send"
BCRYPT_COST = int(os.environ["PEER_BCRYPT_COST"])
WORKERS = 2

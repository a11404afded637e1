import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, quote, urlsplit

from registration.adapters.mail.provider import ProviderRequest

ALGORITHM = "AWS4-HMAC-SHA256"
USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SignatureV4:
    """Amazon's Signature Version 4 of a POST without a query: a Signer.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    service: str
    region: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)

    def __call__(self, request: ProviderRequest, now: datetime) -> dict[str, str]:
        url = urlsplit(request.url)
        moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {"content-type": request.headers["Content-Type"], "host": _host(url), "x-amz-date": moment}
        names = ";".join(headers)
        lines = [f"{name}:{value}" for name, value in headers.items()]
        canonical = ["POST", quote(url.path, safe="/~"), "", *lines, "", names, _sha256(request.body)]
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = [ALGORITHM, moment, scope, _sha256("\n".join(canonical).encode())]
        signature = _hmac(self._key(moment[:8]), "\n".join(to_sign)).hex()
        return {
            "Host": headers["host"],  # as it was signed, whatever the HTTP client would make of the URL
            "X-Amz-Date": moment,
            "Authorization": f"{ALGORITHM} Credential={self.access_key_id}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}",
        }

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = _hmac(key, part)
        return key


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    if ":" in host:  # IPv6
        host = f"[{host}]"
    return host if url.port in {None, USUAL_PORTS.get(url.scheme)} else f"{host}:{url.port}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")

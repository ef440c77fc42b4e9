"""Fetching a file over HTTP, whole or not at all."""

from autotts_core.errors import StoreError

_CONNECT_SECONDS, _SILENCE_SECONDS = 15.0, 60.0


def fetch(url: str, most_bytes: int) -> bytes:
    """The content at `url`; goes through the proxies that the environment names.

    Raises `StoreError` that says why it cannot be had, or that it is larger than `most_bytes`.
    """
    import httpx

    timeout = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
    content = bytearray()
    try:
        with httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as response:
            if response.status_code != httpx.codes.OK:
                status = f"{response.status_code} {response.reason_phrase}".rstrip()
                raise StoreError(f"{url}: cannot be fetched: the server answers {status}.")
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > most_bytes:
                    raise StoreError(f"{url}: is larger than {most_bytes} bytes.")
    # A proxy that cannot be used is no HTTPError, but one of the last three.
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError, OSError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise StoreError(f"{url}: cannot be fetched: {reason}.") from None
    return bytes(content)

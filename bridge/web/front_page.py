"""The page at ``/``: the address to type, and where to type it in each common client."""

from importlib.metadata import version
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge.mirror.overview import FirstPulls

_PAGES = Environment(loader=PackageLoader("bridge.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def front_page(base_url: str, first_pulls: FirstPulls | None = None) -> bytes:
    """Give the page in HTML, UTF-8.

    ``base_url`` is the address clients reach the bridge by, as they type it; ``first_pulls`` says how far the calendars
    are that are being read for the first time.
    """
    page = _PAGES.get_template("front_page.html")
    is_encrypted = urlsplit(base_url).scheme == "https"
    text = page.render(
        base_url=base_url,
        is_encrypted=is_encrypted,
        pulls=first_pulls if first_pulls is not None and first_pulls.calendars else None,
        version=version("exchange-caldav-bridge"),
    )
    return text.encode()

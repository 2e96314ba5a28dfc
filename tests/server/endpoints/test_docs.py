"""``GET /docs``: the API for people, with nothing from elsewhere."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from http_world import ISSUER, World

from keyturn.server.description.docs_page import page
from keyturn.server.description.operations import OPERATIONS


class Links(HTMLParser):
    """Collects ids, links and the names of tags; complains about tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag."""
        assert self.open.pop() == tag


async def test_the_page_lets_in_its_own_style_alone(world: World) -> None:
    """WEB-10: the policy names the hash of the one style; there is no script to let in."""
    async with world.client() as client:
        response = await client.get("/docs")

    style = re.search(r"<style>(.*?)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = response.headers["content-security-policy"]
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in policy


def test_everything_on_the_page_is_ours() -> None:
    """No script, no image, no address but the issuer's; every link on the page has its target."""
    found = Links(page(ISSUER))

    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert found.tags.isdisjoint({"script", "img", "iframe", "link", "form", "object"})
    assert all(link.startswith(ISSUER) or link[1:] in found.ids for link in found.links)


def test_every_operation_is_described() -> None:
    """With its path, a command that shows it, and the errors it knows."""
    html = page(ISSUER)

    for operation in OPERATIONS:
        assert f"<code>{operation.path}</code> · {operation.summary}" in html
        assert f"{ISSUER}{operation.path}" in html
    assert html.count("<h4>Errors</h4>") == len(OPERATIONS)


def test_an_issuer_can_not_inject_markup() -> None:
    """A52: whatever the operator wrote is text."""
    assert "<script>" not in page("https://x/<script>")

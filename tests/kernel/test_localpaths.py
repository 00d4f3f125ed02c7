"""Where a browser may be sent on to: pages of this service and nowhere else."""

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.localpaths import own_path

FOREIGN = ["", "x", "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
           "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/%09/evil.example", "/%0a/evil.example",
           "/%0D%0Ax", "/%2509/evil.example", "/%2f/evil.example", "/%2Fevil.example", "/%252fevil.example",
           "/%5cevil.example", "/%5Cevil.example", "/%255cevil.example", "/x\\y", "/\x00/evil", "/\x7f/evil",
           "/\u2028/evil", "/\u200b/evil.example", " //evil.example", "javascript:alert(1)", "/" + "a" * 3000,
           "/%25252525252509/evil.example"]  # fmt: skip
OWN = ["/", "/documents?q=a%20b&next=%2Fx", "/documents/7#paper", "/check?url=https://x.example//y", "/tìm-kiếm",
       "/a%20b", "/100%25", "/search?q=a%5cb"]  # fmt: skip


@pytest.mark.parametrize("target", FOREIGN)
def test_what_a_browser_may_read_as_another_host_is_not_followed(target: str) -> None:
    assert own_path(target, "/start") == "/start"


@pytest.mark.parametrize("target", OWN)
def test_pages_of_the_service_are_followed_as_they_stand(target: str) -> None:
    assert own_path(target, "/start") == target


@given(st.text(alphabet="/\\%25cCfF09aAdD.@:?#\t\r\nx e", max_size=20))
def test_no_text_leads_to_another_host_however_often_it_is_decoded(text: str) -> None:
    went = own_path("/" + text)
    for _ in range(6):
        path = went.partition("?")[0].partition("#")[0]
        seen = path.translate({9: None, 10: None, 13: None}).replace("\\", "/")
        assert urlsplit(urljoin("https://here.example/a", seen)).netloc == "here.example"
        went = unquote(path)

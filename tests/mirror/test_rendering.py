"""Texts that are rendered anew from what Exchange last told, for clients that reach the calendar otherwise."""

from collections.abc import Callable
from dataclasses import replace

from bridge.ids import make_etag
from bridge.item import Item
from bridge.mirror.batch import Applied
from bridge.mirror.mirror import Mirror
from bridge.model import CalendarRef, Name
from bridge.resource import Listed, Rendered

from told import told_since

MakeEvent = Callable[..., Rendered]
OpenMirror = Callable[..., Mirror]
Pull = Callable[..., Applied]
A, B, C = Name("a.ics"), Name("b.ics"), Name("c.ics")


def test_it_is_known_for_which_url_the_texts_are(mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef) -> None:
    assert not mirror.is_rendered_for(ref, "https://a/")
    mirror.note_rendering(ref, "https://a/")
    assert open_mirror().is_rendered_for(ref, "https://a/")
    assert not mirror.is_rendered_for(ref, "https://b/")


def test_what_reads_otherwise_has_changed_and_the_rest_has_not(
    mirror: Mirror, open_mirror: OpenMirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    puts = {one.name: one for one in (event("a.ics"), event("b.ics"), event("c.ics"))}
    pull(*puts.values())
    before = mirror.snapshot(ref)

    def render(listed: Listed, facts: tuple[Item, ...]) -> Rendered | None:
        assert (facts, listed.items) == (puts[listed.name].facts, puts[listed.name].items)
        if listed.name == C:
            return None
        text = b"a.ics otherwise" if listed.name == A else puts[listed.name].text
        return replace(puts[listed.name], text=text, etag=make_etag(text))

    mirror.render(ref, [A, B, C, Name("none.ics")], render)
    after = open_mirror().snapshot(ref)
    assert told_since(mirror, ref, before.revision) == ((A,), ())
    assert mirror.texts(ref, [A, B, C]) == {A: b"a.ics otherwise", B: b"b.ics is 1", C: b"c.ics is 1"}
    assert after.resources[A].items == before.resources[A].items
    assert mirror.read(ref, A) == replace(puts[A], text=b"a.ics otherwise", etag=make_etag(b"a.ics otherwise"))


def test_an_item_that_is_gone_still_goes_when_texts_were_rendered_within_a_listing(
    mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull
) -> None:
    puts = {one.name: one for one in (event("a.ics"), event("b.ics"))}
    pull(*puts.values())
    mirror.begin_listing(ref)
    pull(is_last=False, cursor="half", seen=(puts[A].items[0].id,))
    mirror.render(ref, [A, B], lambda listed, _: replace(puts[listed.name], text=b"x", etag=make_etag(b"x")))
    pull(cursor="whole")
    assert set(mirror.snapshot(ref).resources) == {A}


def test_what_has_no_facts_keeps_its_text(mirror: Mirror, ref: CalendarRef, event: MakeEvent, pull: Pull) -> None:
    pull(replace(event("a.ics", is_readable=False), facts=()))
    mirror.render(ref, [A], lambda *_: event("a.ics", text="otherwise"))
    assert mirror.texts(ref, [A]) == {A: b"a.ics is 1"}

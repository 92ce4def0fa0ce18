"""What a reload brings back, joined with what the proxy says: nothing twice, nothing missing."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import commands, events
from sessions.envelope import VERSION, Envelope, Finding, SavedSession, parse
from sessions.errors import ProxyUnreachable
from sessions.models import SessionDetail
from sessions.persistence import Persistence, Recollection, recall
from sessions.storage import DAMAGED, STATE, Storage, key_of
from tests.driver import run
from tests.fakes import FakeHttp, FakeStore, Rig, answer, examples

ADDRESS = "http://127.0.0.1:8000"
KEY = key_of("default", STATE)


class ScriptedProxy(FakeHttp):
    """A proxy with sessions of one's own making; `away` is its absence."""

    def __init__(self):
        super().__init__()
        self.sessions = {}
        self.rows = {}
        self.active = None
        self.away = False
        self.recent = 100

    def session(self, number, name="S", born="2026-11-22 06:00:00", **more):
        self.sessions[number] = {
            "id": number, "name": name, "created_at": born, "model": "m", "provider": "nvidia",
            "max_context": 100_000, **more,
        }  # fmt: skip
        self.rows.setdefault(number, [])
        self.active = number

    def add(self, number, identifier, tokens, session=None):
        row = {
            "id": identifier, "estimated_tokens": tokens, "prompt_tokens": tokens - 1,
            "completion_tokens": 1, "is_estimated": 0, "content_preview": f"p{identifier}",
            "timestamp": "2026-11-22 06:00:00",
        }  # fmt: skip
        self.rows[number].append(row)

    def detail(self, number):
        rows = self.rows[number]
        totals = {
            "total_requests": len(rows),
            "max_tokens": max((r["estimated_tokens"] for r in rows), default=0),
            "avg_tokens": sum(r["estimated_tokens"] for r in rows) / len(rows) if rows else 0,
            "cumulative_input_tokens": sum(r["prompt_tokens"] for r in rows),
            "cumulative_output_tokens": sum(r["completion_tokens"] for r in rows),
        }
        session = {**self.sessions[number], "is_active": int(number == self.active)}
        recent = list(reversed(rows))[: self.recent]
        return {"session": session, "recent_metrics": recent, "stats": totals}

    async def request(self, method, path, body=None, *, timeout):
        if self.away:
            raise ProxyUnreachable(f"{method} {path}", "away")
        known = {"/api/sessions": [self.detail(n)["session"] for n in self.sessions]}
        if self.active is not None:
            known["/api/sessions/active"] = self.detail(self.active)
        for number in self.sessions:
            known[f"/api/sessions/{number}"] = self.detail(number)
        if method == "GET" and path in known:
            return answer(known[path])
        return await super().request(method, path, body, timeout=timeout)

    def counted(self, number, identifier, tokens):
        """The frame that tells of a request which is in the database by now."""
        self.add(number, identifier, tokens)
        return {
            "type": "metric_updated", "session_id": number, "metric_id": identifier,
            "real_tokens": {"total": tokens, "prompt": tokens - 1, "completion": 1,
                            "percentage": tokens / 1000},
            "cumulative_tokens": tokens,
        }  # fmt: skip


class Visit(Rig):
    """The page from one load to the next, over a storage and a proxy that outlive it."""

    def __init__(self, store, proxy, user="default", address=ADDRESS, now=None, **options):
        super().__init__(proxy)
        if now is not None:
            self.clock.time = now
        self.store = store
        self.recorder.listen(
            events.SESSION_CHANGED, events.NOTICE, events.STORAGE_DEGRADED, events.METRICS_LOADED
        )
        self.storage = Storage(store, self.bus)
        self.storage.speak()
        self.persistence = Persistence(
            self.storage, self.state, self.manager, self.live, self.bus, self.clock,
            self.scheduler, **options,
        )  # fmt: skip
        self.restored = self.persistence.open(recall(self.storage, user, self.clock.now()), address)

    async def connect(self):
        await self.start()
        await self.later(3)
        return self

    def leave(self):
        """Close the page; the time at which it happened."""
        self.persistence.flush()
        self.live.stop()
        self.check()
        return self.clock.time

    def shown(self):
        session = self.state.session
        return (
            session and session.id,
            [(metric.id, metric.tokens, metric.delta_tokens) for metric in self.state.metrics()],
            self.state.session_totals(),
        )

    def told(self, topic):
        return [payload for name, payload in self.recorder.events if name == topic]


def kept(store, user="default"):
    return parse(store.kept[key_of(user, STATE)], 9e15)


async def first_visit(store, proxy, requests=5, **options):
    """A visit in which so many requests come; the page is left."""
    proxy.session(1)
    visit = await Visit(store, proxy, **options).connect()
    for number in range(1, requests + 1):
        await visit.hear(proxy.counted(1, number, 100 * number))
    await visit.later(3)
    return visit


def test_with_the_proxy_away_the_last_state_is_there_and_knows_its_age():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        before = await first_visit(store, proxy)
        spent = {"memory_tokens": 5, "chat_tokens": 6, "memory_ratio": 45.0}
        read = {"total_tokens": 501, "percentage": 0.5}
        await before.hear(
            {"type": "memory_metrics_update", "session_id": 1, "memory": spent},
            {"type": "log_metric", "session_id": 1, "source": "compile_chat", "metrics": read},
        )
        shown, memory = before.shown(), before.state.memory
        readings = before.state.proxy_reading, before.state.log_reading
        left = before.leave()

        proxy.away = True
        after = Visit(store, proxy, now=left + 180_000)
        assert after.restored
        assert after.shown() == shown
        assert after.state.memory == memory
        assert (after.state.proxy_reading, after.state.log_reading) == readings
        assert after.state.max_context == 100_000
        assert after.persistence.seen_at == left
        assert len(after.told(events.SESSION_CHANGED)) == 1
        assert after.manager.get_active_session().id == 1
        assert after.manager.get_proxy_config(after.state.session) is not None
        after.sockets.refuse = True
        after.live.start()
        await after.later(20)
        assert after.shown() == shown
        assert after.leave() - after.persistence.seen_at > 180_000

        much_later = Visit(store, proxy, now=left + 9e6)
        assert much_later.shown() == shown
        assert much_later.persistence.seen_at == left  # looking at old data makes it no newer

    run(scene())


def test_when_the_proxy_was_last_heard_of_is_known_without_a_last_word_of_the_page():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        visit = await first_visit(store, proxy)

        def seen_at():
            return kept(store)[0].proxies[ADDRESS].seen_at

        connected = seen_at()
        assert visit.clock.time - 60_000 < connected < visit.clock.time
        await visit.later(100)
        lost = visit.clock.time
        visit.sockets.refuse = proxy.away = True
        visit.sockets.last.drop()
        await visit.later(5)
        assert seen_at() == lost > connected
        await visit.later(100)
        assert seen_at() == lost
        visit.sockets.refuse = proxy.away = False
        visit.bus.emit(commands.WAKE)
        found = visit.clock.time
        visit.sockets.last.listener.on_open()
        await visit.later(5)
        assert seen_at() >= found

    run(scene())


@pytest.mark.parametrize("missed", [0, 1, 7, 99, 100, 150, 300])
@pytest.mark.parametrize("before", [0, 1, 60, 100, 130])
def test_what_is_remembered_and_what_is_live_are_joined_once(before, missed):
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        first = await first_visit(store, proxy, before)
        left = first.leave()
        for number in range(before + 1, before + missed + 1):
            proxy.add(1, number, 100 * number)
        again = await Visit(store, proxy, now=left + 1000).connect()
        alone = await Visit(FakeStore(), proxy).connect()  # a page that remembers nothing
        assert again.state.session_totals() == alone.state.session_totals()
        assert [m.id for m in again.state.metrics()] == [m.id for m in alone.state.metrics()]
        assert again.state.session_totals().total_requests == before + missed
        for number in range(before + missed + 1, before + missed + 4):
            frame = proxy.counted(1, number, 100 * number)
            await again.hear(frame, frame)
        await again.later(3)
        assert again.state.session_totals().total_requests == before + missed + 3
        again.check()

    run(scene())


@given(
    st.lists(
        st.sampled_from(["request", "elsewhere", "reload", "away", "missed", "wait"]), max_size=40
    )
)
@examples(60)
def test_after_any_mix_of_traffic_reloads_and_absences_every_total_is_the_proxys(steps):
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        proxy.session(2, "Other")
        proxy.session(1)
        visit = await Visit(store, proxy).connect()
        for number, step in enumerate(steps, 1):
            if step == "request":
                await visit.hear(proxy.counted(1, number, 10 * number))
            elif step == "elsewhere":
                await visit.hear(proxy.counted(2, number, 10 * number))
            elif step == "missed":
                proxy.add(1, number, 10 * number)
                visit.sockets.last.drop()
                await visit.later(2)
                visit.sockets.last.listener.on_open()
                await visit.later(0.1)
            elif step == "wait":
                await visit.later(1.5)
            else:
                left = visit.leave()
                proxy.away = step == "away"
                visit = Visit(store, proxy, now=left + 50)
                if step == "away":
                    proxy.add(1, number, 10 * number)
                    proxy.away = False
                await visit.start()
        await visit.later(10)
        for session in (1, 2):
            await visit.manager.switch_session(session)
            await visit.later(3)
            rows = proxy.rows[session]
            totals = visit.state.session_totals()
            assert totals.total_requests == len(rows)
            assert totals.total_prompt == sum(row["prompt_tokens"] for row in rows)
            assert totals.max_tokens == max((row["estimated_tokens"] for row in rows), default=0)
            assert [m.id for m in visit.state.metrics()] == [row["id"] for row in rows]
        visit.check()

    run(scene())


def test_deltas_computed_here_are_put_right_by_a_request_that_was_missed():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        proxy.session(1)
        first = await Visit(store, proxy).connect()
        await first.hear(proxy.counted(1, 1, 100), proxy.counted(1, 3, 900))
        left = first.leave()
        proxy.rows[1].insert(1, {**proxy.rows[1][0], "id": 2, "estimated_tokens": 600})
        again = await Visit(store, proxy, now=left + 1000).connect()
        assert again.shown()[1] == [(1, 100, 100), (2, 600, 500), (3, 900, 300)]

    run(scene())


def test_another_proxys_sessions_have_the_same_ids_and_nothing_else_in_common():
    async def scene():
        store, here, there = FakeStore(), ScriptedProxy(), ScriptedProxy()
        left = (await first_visit(store, here)).leave()
        there.session(1, "Theirs", born="2026-11-22 07:00:00")
        there.add(1, 1, 7)
        there.away = True
        away = Visit(store, there, address="http://other:1", now=left)
        assert not away.restored
        assert away.state.session is None
        assert away.state.metrics() == ()
        there.away = False
        await away.connect()
        assert away.shown()[1] == [(1, 7, 7)]
        left = away.leave()
        again = Visit(store, here, now=left)
        assert [row[0] for row in again.shown()[1]] == [1, 2, 3, 4, 5]  # and ours is still there
        again.leave()
        assert set(kept(store)[0].proxies) == {ADDRESS, "http://other:1"}

    run(scene())


@pytest.mark.parametrize("how", ["load", "init", "listed", "new_session", "refresh"])
def test_a_database_that_began_anew_gives_its_ids_to_other_sessions(how):
    async def scene():
        store, old, new = FakeStore(), ScriptedProxy(), ScriptedProxy()
        first = await first_visit(store, old)
        new.session(1, "New", born="2026-11-23 08:00:00")
        new.add(1, 1, 7)
        if how == "load":
            visit = await Visit(store, new, now=first.leave() + 1000).connect()
        else:
            visit = first  # the page stays open, and the proxy comes back with nothing
            visit.http.sessions, visit.http.rows = new.sessions, new.rows
            frame = {
                "init": {"type": "init", **new.detail(1)},
                "new_session": {"type": "new_session", "session": new.sessions[1]},
            }.get(how)
            if frame is not None:
                await visit.hear(frame)
            elif how == "refresh":
                visit.live.catch_up_soon()
            else:
                visit.live.catch_up()
            await visit.later(3)
        assert visit.state.session.name == "New"
        assert visit.shown()[1] == [(1, 7, 7)]
        assert visit.state.session_totals().total_requests == 1
        assert visit.told(events.SESSION_CHANGED)[-1].new_session.name == "New"
        assert [notice.key for notice in visit.told(events.NOTICE)] == ["notice.other_database"]
        visit.leave()
        (address, entry), *rest = kept(store)[0].sessions
        assert (address, entry.session.name, len(entry.metrics), rest) == (ADDRESS, "New", 1, [])

    run(scene())


def test_sessions_deleted_elsewhere_are_not_remembered():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        proxy.session(2, "Gone soon")
        proxy.add(2, 1, 10)
        first = await Visit(store, proxy).connect()
        proxy.session(1)
        await first.hear({"type": "new_session", "session": proxy.sessions[1]})
        left = first.leave()
        assert [e.session.id for e in kept(store)[0].of(ADDRESS)] == [1, 2]
        del proxy.sessions[2], proxy.rows[2]
        again = await Visit(store, proxy, now=left).connect()
        again.leave()
        assert [e.session.id for e in kept(store)[0].of(ADDRESS)] == [1]

    run(scene())


def test_a_session_that_a_person_pinned_is_shown_again():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        proxy.session(2, "Looked at")
        proxy.add(2, 1, 10)
        proxy.session(1, "Worked on")
        first = await Visit(store, proxy).connect()
        await first.manager.switch_session(2)
        first.live.pinned = 2
        left = first.leave()
        again = await Visit(store, proxy, now=left).connect()
        assert again.state.session_id == 2
        assert again.live.pinned == 2

    run(scene())


class SlowProxy(ScriptedProxy):
    """Its answers are as old as the question, and come when the gate is opened."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    async def request(self, method, path, body=None, *, timeout):
        reply = await super().request(method, path, body, timeout=timeout)
        await self.gate.wait()
        return reply


@pytest.mark.parametrize("question", ["catch up", "settle"])
def test_an_answer_that_took_long_does_not_take_back_what_was_heard_meanwhile(question):
    async def scene():
        proxy = SlowProxy()
        proxy.session(1)
        visit = await Visit(FakeStore(), proxy).connect()
        number = 0

        async def hear(count):
            nonlocal number
            for _ in range(count):
                number += 1
                await visit.hear(proxy.counted(1, number, 10))

        await hear(120)
        await visit.later(5)
        if question == "settle":
            visit.live.catch_up()
            await visit.scheduler.settle()
            await hear(1)  # in doubt: it came right after a load
        proxy.gate.clear()
        if question == "catch up":
            visit.live.catch_up()
        await visit.later(2)
        await hear(30)
        proxy.gate.set()
        for _ in range(60):
            await visit.later(0.1)  # in small steps: what is asked is asked at its time
        assert visit.state.session_totals().total_requests == len(proxy.rows[1]) == number
        visit.check()

    run(scene())


# -- writing ----------------------------------------------------------------------------


class Counted(FakeStore):
    """Remembers when it was written to."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.clock = None

    def set(self, key, text):
        super().set(key, text)
        self.writes.append(self.clock.now() if self.clock else 0)


def test_it_is_written_at_most_once_a_second_and_only_when_something_changed():
    async def scene():
        store, proxy = Counted(), ScriptedProxy()
        visit = await first_visit(store, proxy, 0)
        store.clock, store.writes = visit.clock, []
        for number in range(1, 101):
            await visit.hear(proxy.counted(1, number, number))
            await visit.later(0.05)
        await visit.later(5)
        await visit.later(5)
        assert 4 <= len(store.writes) <= 8
        gaps = [b - a for a, b in zip(store.writes, store.writes[1:], strict=False)]
        assert min(gaps) >= 1000
        assert len(kept(store)[0].of(ADDRESS)[0].metrics) == 100
        store.writes.clear()
        await visit.later(600)
        assert store.writes == []

    run(scene())


def test_what_changed_last_is_written_when_the_page_goes():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        visit = await first_visit(store, proxy, 3)
        await visit.hear(proxy.counted(1, 4, 44))
        visit.leave()
        assert len(kept(store)[0].of(ADDRESS)[0].metrics) == 4

    run(scene())


def test_a_change_puts_only_its_own_session_into_words_again(monkeypatch):
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        for number in (1, 2, 3):
            proxy.session(number)
        visit = await Visit(store, proxy).connect()
        for number in (1, 2, 3):
            await visit.hear(proxy.counted(number, number, 10))
        await visit.later(5)
        await visit.later(5)
        made = []
        to_text = SavedSession.to_text

        def noting(self, address):
            made.append(self.session.id)
            return to_text(self, address)

        monkeypatch.setattr(SavedSession, "to_text", noting)
        await visit.hear(proxy.counted(2, 7, 20))
        await visit.later(3)
        assert set(made) == {2}

    run(scene())


def test_a_tab_that_may_not_write_does_not_until_it_may():
    async def scene():
        store, proxy, leads = FakeStore(), ScriptedProxy(), []
        visit = await first_visit(store, proxy, 3, may_write=lambda: bool(leads))
        visit.leave()
        assert store.kept == {}
        leads.append(True)
        visit.persistence.flush()
        assert len(kept(store)[0].of(ADDRESS)[0].metrics) == 3

    run(scene())


def test_two_tabs_of_one_user_at_two_proxies_keep_what_the_other_wrote():
    async def scene():
        store, here, there = FakeStore(), ScriptedProxy(), ScriptedProxy()
        one = await first_visit(store, here)
        there.session(1, "Theirs")
        two = await Visit(store, there, address="http://other:1").connect()
        two.leave()
        one.persistence.changed_elsewhere(KEY)
        await one.hear(here.counted(1, 6, 600))
        one.leave()
        envelope, finding = kept(store)
        assert finding is Finding.WHOLE
        assert set(envelope.proxies) == {ADDRESS, "http://other:1"}
        assert envelope.of("http://other:1")[0].session.name == "Theirs"
        assert len(envelope.of(ADDRESS)[0].metrics) == 6

    run(scene())


def test_one_users_data_is_never_read_under_another():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        left = (await first_visit(store, proxy)).leave()
        assert not Visit(store, proxy, user="anna", now=left).restored
        assert list(store.kept) == [KEY]

    run(scene())


# -- damage -----------------------------------------------------------------------------

HARMS = {
    "truncated": lambda text: text[: len(text) // 2],
    "foreign": lambda text: "hello",
    "empty": lambda text: "",
    "future": lambda text: json.dumps({**json.loads(text), "version": VERSION + 1}),
    "wrong types": lambda text: json.dumps({**json.loads(text), "sessions": {"a": 1}}),
    "deep": lambda text: "[" * 100_000,
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_cannot_be_read_is_set_aside_told_once_and_the_page_goes_on(harm):
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        left = (await first_visit(store, proxy)).leave()
        bad = store.kept[KEY] = HARMS[harm](store.kept[KEY])
        visit = await Visit(store, proxy, now=left).connect()
        assert store.kept[key_of("default", DAMAGED)] == bad
        expected = "notice.state_newer" if harm == "future" else "notice.state_damaged"
        assert [notice.key for notice in visit.told(events.NOTICE)] == [expected]
        assert visit.state.session_totals().total_requests == 5
        left = visit.leave()
        assert kept(store)[1] is Finding.WHOLE
        again = Visit(store, proxy, now=left)
        assert again.told(events.NOTICE) == []
        assert again.restored

    run(scene())


def test_what_can_be_read_of_a_damaged_state_is_shown():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        left = (await first_visit(store, proxy)).leave()
        value = json.loads(store.kept[KEY])
        value["sessions"][0]["metrics"][2] = "gone"
        store.kept[KEY] = json.dumps(value)
        visit = Visit(store, proxy, now=left)
        assert [row[0] for row in visit.shown()[1]] == [1, 2, 4, 5]
        await visit.connect()
        assert [row[0] for row in visit.shown()[1]] == [1, 2, 3, 4, 5]
        assert visit.state.session_totals().total_requests == 5

    run(scene())


class Room(FakeStore):
    """A storage with room for so many characters."""

    def __init__(self, room):
        super().__init__()
        self.room = room

    def set(self, key, text):
        others = sum(len(k) + len(v) for k, v in self.kept.items() if k != key)
        if others + len(key) + len(text) > self.room:
            raise OSError("full")
        super().set(key, text)


async def busy_visit(store):
    """A visit in which four sessions are worked on, the last one most recently."""
    proxy = ScriptedProxy()
    for number in (1, 2, 3, 4):
        proxy.session(number)
    visit = await Visit(store, proxy).connect()
    for number in (1, 2, 3, 4):
        for request in range(20):
            await visit.hear(proxy.counted(number, 100 * number + request, 10))
        await visit.later(2)
    return visit


@pytest.mark.parametrize("room", [*range(0, 40_000, 1_500), 10**9])
def test_a_full_storage_loses_the_oldest_sessions_first_and_says_when_it_keeps_none(room):
    async def scene():
        store = Room(room)
        visit = await busy_visit(store)
        visit.leave()
        found = kept(store)[0].of(ADDRESS) if KEY in store.kept else ()
        ids = [entry.session.id for entry in found]
        assert ids == [4, 3, 2, 1][: len(ids)]
        degraded = len(visit.told(events.STORAGE_DEGRADED))
        whole = ids and len(found[0].metrics) == 20
        assert degraded == 1 or (whole and degraded == 0)
        assert visit.state.session_totals().total_requests == 20  # the page does not care
        visit.check()

    run(scene())


class FailsAt(FakeStore):
    """Fails at the n-th call of a kind: once, or from then on."""

    def __init__(self, call, at, for_good):
        super().__init__()
        self.call, self.left, self.for_good = call, at, for_good

    def _check(self, call):
        if call == self.call:
            self.left -= 1
            if self.left < 0 if self.for_good else self.left == -1:
                raise OSError("full")


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("at", range(14))
@pytest.mark.parametrize("call", ["set", "get", "remove"])
def test_a_storage_that_fails_at_any_moment_costs_only_the_memory(call, at, for_good):
    async def scene():
        store = FailsAt(call, at, for_good)
        store.kept[KEY] = "{damaged"
        visit = await busy_visit(store)
        visit.leave()
        assert len(visit.told(events.STORAGE_DEGRADED)) <= 1
        assert len(visit.told(events.NOTICE)) <= 1
        assert visit.state.session_totals().total_requests == 20
        if not for_good and call == "set" and at > 1:
            assert kept(store)[0].of(ADDRESS)[0].session.id == 4
        assert any("{damaged" in text for text in store.kept.values()) or call == "get"
        visit.check()

    run(scene())


@pytest.mark.parametrize("writes", range(3))
def test_what_could_not_be_set_aside_is_not_written_over(writes):
    async def scene():
        store = FailsAt("set", 0, for_good=True)
        store.kept[KEY] = "{damaged"
        visit = await busy_visit(store)
        store.left = 10**9  # there is room again
        visit.leave()
        assert store.kept == {KEY: "{damaged"}
        assert len(visit.told(events.STORAGE_DEGRADED)) == 1

    run(scene())


def test_when_there_is_room_again_it_is_used():
    async def scene():
        store = Room(100)
        visit = await busy_visit(store)
        store.room = 10**9
        visit.leave()
        assert [entry.session.id for entry in kept(store)[0].of(ADDRESS)] == [4, 3, 2, 1]

    run(scene())


def test_nothing_is_remembered_before_it_is_opened_or_after_it_is_closed():
    async def scene():
        store, proxy = FakeStore(), ScriptedProxy()
        visit = await first_visit(store, proxy)
        visit.persistence.close()
        text = store.kept[KEY]
        await visit.hear(proxy.counted(1, 6, 600))
        await visit.later(5)
        visit.persistence.flush()
        assert store.kept[KEY] == text
        detail = SessionDetail.from_wire({"session": {"id": 9}})
        visit.manager.adopt(detail)
        assert visit.persistence.open(Recollection("bob", Envelope()), ADDRESS) is False
        assert visit.state.session is None
        assert visit.told(events.SESSION_CHANGED)[-1].new_session is None

    run(scene())

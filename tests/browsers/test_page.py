"""What a visitor does with the page, in the other browsers. The tests share one page."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.browsers.conftest import Complaints
from tests.browsers.desk import Desk
from tests.browsers.tab import STARTING, Tab

OpenTab = Callable[[], Tab]

LEFT = (
    r"(?i)networkerror|cross-origin request blocked|load failed|aborted|cancelled"
    r"|access control checks|websocket.*(interrupted|closed|failed)|can.t establish a connection"
    r"|serviceworker intercepted the request"
)
"""What a page complains of when it is left, or its host is away, in each browser's own words."""

# The name of the file that a press of a button offers, and its text.
OFFERED = """async (selector) => {
  const { createObjectURL } = URL;
  let blob;
  const offered = new Promise((resolve) => {
    URL.createObjectURL = (one) => createObjectURL.call(URL, (blob = one));
    HTMLAnchorElement.prototype.click = function () {
      resolve(this.download);
      HTMLElement.prototype.click.call(this);
    };
  });
  try {
    document.querySelector(selector).click();
    return [await offered, await blob.text()];
  } finally {
    URL.createObjectURL = createObjectURL;
    delete HTMLAnchorElement.prototype.click;
  }
}"""

PREVIEWS = """() => [...document.querySelectorAll('#logs-container [data-field="preview"]')]
  .map((element) => element.textContent)"""

# Whether a chart shows anything: pixels of more than two colours.
DRAWN = """() => {
  const canvas = document.querySelector("#history-chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 2;
}"""

# What waits for the curve to come, and must be gone when it has.
WAITING = """() => getComputedStyle(document.querySelector("#history-chart")).backgroundImage
  .includes("gradient")
  || getComputedStyle(document.querySelector("#history-chart").parentElement).backgroundImage
  .includes("gradient")"""

DOTTED = """(selector) => {
  const { textDecorationLine, textDecorationStyle } =
    getComputedStyle(document.querySelector(selector));
  return `${textDecorationLine} ${textDecorationStyle}`;
}"""

# How far a panel reaches beyond its edge, in CSS pixels, and whether its list fits its rows.
ROOM = """(panel) => {
  const found = document.querySelector(panel);
  const list = found.querySelector("ul");
  const rows = [...list.children].reduce((sum, row) => sum + row.offsetHeight, 0);
  return [found.scrollWidth - found.clientWidth, Math.abs(list.clientHeight - rows) < 8];
}"""

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def previews(desk: Desk) -> list[str]:
    found: list[str] = desk.tab.run(PREVIEWS)
    return found


def test_live_numbers_arrive(desk: Desk) -> None:
    desk.work_in("Live", metrics=2)
    desk.request(prompt_tokens=6000, completion_tokens=60, preview="Arrived")
    desk.agrees()
    desk.tab.eventually(lambda: previews(desk)[-1], "Arrived")
    desk.reads("#ws-status-text", "Connected")


def test_the_chart_is_drawn_and_nothing_sticks_out(desk: Desk) -> None:
    desk.work_in("Drawn", metrics=12)
    for width in (1440, 500):
        desk.tab.resize(width, 900)
        desk.tab.holds("() => innerWidth", wanted=width)
        desk.tab.holds(DRAWN)
        desk.tab.holds(SIDEWAYS, wanted=0)
    desk.tab.resize(1280, 900)
    desk.tab.holds(WAITING, wanted=False)


def test_what_can_be_explained_is_underlined_with_dots(desk: Desk) -> None:
    desk.tab.holds(DOTTED, ".table thead [title]", wanted="underline dotted")


def test_scrollbars_have_the_colours_of_the_page(desk: Desk) -> None:
    desk.tab.holds(
        """() => {
          const { scrollbarColor = "" } = getComputedStyle(document.querySelector(".feed-list"));
          return scrollbarColor !== "auto";  // some browsers know no such colours
        }"""
    )


def test_panels_are_as_large_as_what_they_show(desk: Desk) -> None:
    for button, panel in (("#session-button", "#session-panel"), ("#user-button", "#user-panel")):
        desk.tab.press(button)
        desk.shows(panel)
        desk.tab.holds(ROOM, panel, wanted=[0, True])
        desk.tab.press(button)
        desk.shows(panel, False)


def test_a_text_is_counted(desk: Desk) -> None:
    desk.tab.press("#count-open")
    desk.tab.type("#count-text", "Hello, tokens!")
    desk.reads("#count-tokens", "4")
    desk.tab.press("#count-dialog [data-action='dialog:close']")
    desk.shows("#count-dialog", False)


def test_a_file_is_offered(desk: Desk) -> None:
    desk.work_in("To be kept", metrics=3)
    name, text = desk.tab.run(OFFERED, "#export-csv")
    assert re.fullmatch(r"session-\d+\.csv", name)
    assert "Request 3" in text
    desk.tab.eventually(lambda: f"Exported {name}." in desk.tab.text("#toasts"), True)


def test_two_tabs_share_one_connection_and_the_second_takes_over(
    desk: Desk, tab: OpenTab, complaints: Complaints
) -> None:
    desk.work_in("Shared", metrics=1)
    first = Desk(tab(), desk.proxy).open("?user=ann").connected()
    second = Desk(tab(), desk.proxy).open("?user=ann").connected()
    desk.tab.eventually(desk.connections, 2)  # of two users
    total = desk.proxy.state()["total_websockets"]
    first.request(prompt_tokens=2000, completion_tokens=20)
    for one in (first, second):
        one.agrees()
    complaints.close(first.tab)
    second.tab.eventually(lambda: desk.proxy.state()["total_websockets"], total + 1)
    second.request(prompt_tokens=3000, completion_tokens=30)
    second.agrees()
    desk.tab.eventually(desk.connections, 2)


def test_a_visit_is_recorded_and_replayed(desk: Desk, complaints: Complaints) -> None:
    complaints.expect(LEFT)
    desk.work_in("Recorded")
    desk.tab.press("#recordings-open")
    desk.tab.press("#recording-toggle")
    desk.shows("#recording-mark", within=STARTING)
    desk.started().connected()
    for number in range(1, 5):
        desk.request(prompt_tokens=900 * number, completion_tokens=90, preview=f"No. {number}")
    desk.agrees()
    live = desk.tab.steady(desk.figures)
    desk.tab.press("#recordings-open")
    desk.tab.press("#recording-toggle")
    desk.shows("#recording-mark", False)

    desk.tab.press("#recordings-list [data-field='play']")
    desk.shows("#replay-bar", within=STARTING)
    desk.reads("#ws-status-text", "Replay")
    desk.tab.run(
        """() => {
          const slider = document.getElementById("replay-slider");
          slider.value = slider.max;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    desk.tab.eventually(desk.figures, live)
    desk.tab.press("#replay-leave")
    desk.shows("#replay-bar", False, within=STARTING)
    desk.started().connected()
    desk.agrees()

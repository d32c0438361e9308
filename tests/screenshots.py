"""Take the pictures of docs/screenshots/ and write docs/pages.md: ``python -m tests.screenshots``.

It serves the demo data from a database of its own and looks at it with the system's Chromium, or with
the one that CHROMIUM names. A new page gets a line in PICTURES.
"""

import base64
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
LARGEST = 1_500_000  # bytes, all pictures together
COLOURS = 48

GLOBAL = "global@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
KRANICH = "global@kranich.example"
ALBERS = "admin@albers.example"


class Picture(NamedTuple):
    name: str
    caption: str
    email: str | None  # who looks at it
    path: str  # where the way starts
    links: tuple[
        str, ...
    ] = ()  # which links and buttons it follows, =options and +boxes it chooses
    width: int = 1280


PICTURES = [
    Picture("sign-in", "Signing in", None, "/accounts/login/"),
    Picture("customers", "The customers of a provider", GLOBAL, "/customers/"),
    Picture(
        "subscriptions", "A customer's subscriptions", HELPDESK, "/customers/", ("Reederei Albers",)
    ),
    Picture(
        "subscription",
        "Who answers for a subscription, who else may, and why others can't be chosen",
        HELPDESK,
        "/customers/",
        ("Reederei Albers", "Office 365 Business Standard"),
    ),
    Picture(
        "review",
        "After Submit: what has changed, and what the customer reads now",
        HELPDESK,
        "/customers/",
        ("Reederei Albers", "Office 365 Business Standard", "=Hafen IT", "Submit"),
    ),
    Picture(
        "account",
        "A customer's account: its partners, admin privileges, and the end of the relationship",
        GLOBAL,
        "/customers/",
        ("Reederei Albers", "Account"),
    ),
    Picture(
        "question",
        "Before something is taken away: what follows, in numbers",
        GLOBAL,
        "/customers/",
        ("Reederei Albers", "Account", "Give up delegated admin"),
    ),
    Picture("coverage", "All subscriptions, and who answers for each", GLOBAL, "/subscriptions/"),
    Picture(
        "bulk",
        "Before many contacts change: what will change, and what is refused and why",
        GLOBAL,
        "/subscriptions/",
        ("Assign all of them", "+Hafen IT", "Preview"),
    ),
    Picture("add", "Adding a customer, step by step", GLOBAL, "/customers/add/"),
    Picture(
        "catalogue",
        "The catalogue, with what can't be added and why",
        GLOBAL,
        "/customers/",
        ("Reederei Albers", "Add subscriptions"),
    ),
    Picture("request", "Asking for a relationship", KRANICH, "/relationships/requests/new/"),
    Picture("resellers", "The resellers of a provider", GLOBAL, "/relationships/resellers/"),
    Picture("activity", "The activity log", GLOBAL, "/activity/"),
    Picture("users", "Users and their roles", GLOBAL, "/settings/users/"),
    Picture("profile", "The own profile", HELPDESK, "/settings/profile/"),
    Picture("second-factor", "A second factor", HELPDESK, "/accounts/second-factor/"),
    Picture("support", "The customer sees whom to call", ALBERS, "/support/"),
    Picture("support-phone", "The same on a phone", ALBERS, "/support/", width=390),
    Picture("partners", "The customer's partners", ALBERS, "/support/partners/"),
]

# The most frequent colours, and for every pixel which of them is nearest.
REDUCE = """async ([png, count]) => {
    const bytes = Uint8Array.from(atob(png), char => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const {data} = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const colours = new Uint32Array(data.length / 4);
    const uses = new Map();
    for (let i = 0; i < colours.length; i++) {
        const colour = (data[4 * i] << 16) | (data[4 * i + 1] << 8) | data[4 * i + 2];
        colours[i] = colour;
        uses.set(colour, (uses.get(colour) ?? 0) + 1);
    }
    const palette = [...uses].sort((a, b) => b[1] - a[1]).slice(0, count).map(([colour]) => colour);
    const nearest = new Map();
    for (const colour of uses.keys()) {
        let best = 0, least = Infinity;
        palette.forEach((other, index) => {
            const [r, g, b] = [16, 8, 0].map(shift => ((colour >> shift) & 255) - ((other >> shift) & 255));
            const distance = r * r + g * g + b * b;
            if (distance < least) [best, least] = [index, distance];
        });
        nearest.set(colour, best);
    }
    let text = "";
    const indexes = Uint8Array.from(colours, colour => nearest.get(colour));
    for (let i = 0; i < indexes.length; i += 8192) {
        text += String.fromCharCode(...indexes.subarray(i, i + 8192));
    }
    return {width: bitmap.width, height: bitmap.height, palette, pixels: btoa(text)};
}"""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def reduced(page: Page, png: bytes) -> bytes:
    """The same picture with a palette: a third of the size. ``page`` does the arithmetic."""
    made = page.evaluate(REDUCE, [base64.b64encode(png).decode(), COLOURS])
    width, height = made["width"], made["height"]
    pixels = base64.b64decode(made["pixels"])
    lines = b"".join(b"\0" + pixels[width * row : width * (row + 1)] for row in range(height))
    palette = b"".join(struct.pack(">I", colour)[1:] for colour in made["palette"])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", palette)
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )


def walk(page: Page, picture: Picture) -> None:
    """Go where the picture is taken."""
    page.goto(picture.path)
    if picture.email and page.get_by_label("Password").count():
        page.get_by_label("Email").fill(picture.email)
        page.get_by_label("Password").fill("demo-portal")
        page.get_by_role("button", name="Sign in").click()
    place = page.get_by_role("main")
    for words in picture.links:
        if words.startswith("="):
            place.get_by_role("combobox").first.select_option(words[1:])
        elif words.startswith("+"):
            place.get_by_label(words[1:]).check()
        else:
            found = place.get_by_role("link", name=words, exact=True)
            found.or_(place.get_by_role("button", name=words, exact=True)).first.click()
    page.wait_for_load_state("networkidle")  # a question is fetched


def take(browser: Browser, address: str) -> int:
    """Take every picture, light and dark. Returns how many bytes they have together."""
    size = 0
    desk = browser.new_page()
    for picture in PICTURES:
        context = browser.new_context(
            base_url=address,
            locale="en",
            timezone_id="UTC",
            viewport={"width": picture.width, "height": 800},
        )
        page = context.new_page()
        walk(page, picture)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            png = reduced(desk, page.screenshot())
            (FOLDER / f"{picture.name}-{scheme}.png").write_bytes(png)
            size += len(png)
        context.close()
    return size


def write_page() -> None:
    parts = [
        "# The pages\n\nWith the demo data, in the light or dark colours of the reader. "
        "`make screenshots` takes these pictures and writes this page."
    ]
    for picture in PICTURES:
        light, dark = (f"screenshots/{picture.name}-{scheme}.png" for scheme in ("light", "dark"))
        parts.append(
            f"## {picture.caption}\n\n<picture>\n"
            f'  <source media="(prefers-color-scheme: dark)" srcset="{dark}">\n'
            f'  <img src="{light}" alt="{picture.caption}">\n</picture>'
        )
    (ROOT / "docs" / "pages.md").write_text("\n\n".join(parts) + "\n")


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    opener = build_opener(ProxyHandler({}))
    for _ in range(150):
        if server.poll() is not None:
            sys.exit("The server of the pictures ended by itself.")
        try:
            opener.open(f"{address}/readyz", timeout=10)
            return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit("The server of the pictures did not become ready.")


def main() -> None:
    if not CHROMIUM:
        sys.exit("No Chromium was found. Install chromium, or set CHROMIUM to the path of one.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DEBUG": "1",
            "DATABASE_URL": f"sqlite:///{folder}/pictures.sqlite3",
            "PORTAL_URL": address,
        }
        manage = [sys.executable, str(ROOT / "manage.py")]
        for command in (["migrate", "--verbosity", "0"], ["load_demo"]):
            quiet = subprocess.DEVNULL
            subprocess.run([*manage, *command], env=environment, check=True, stdout=quiet)
        server = subprocess.Popen(
            [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(address, server)
            FOLDER.mkdir(parents=True, exist_ok=True)
            for old in FOLDER.glob("*.png"):
                old.unlink()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                )
                size = take(browser, address)
                browser.close()
        finally:
            server.terminate()
            server.wait()
    write_page()
    print(f"{2 * len(PICTURES)} pictures, {size:,} bytes.")
    if size > LARGEST:
        sys.exit(f"That is more than {LARGEST:,} bytes.")


if __name__ == "__main__":
    main()

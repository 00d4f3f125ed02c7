"""`lienthong doctor`: every part says how it is, and what to do, in Vietnamese and English."""

import ctypes
import shutil
import ssl
import time
from datetime import datetime
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import sqlalchemy as sa

from kernel import clock
from kernel.blobs import store_for
from kernel.config import Config
from kernel.db import Database
from kernel.doctor import Finding, Health, check, checks
from kernel.text import phrase
from web import rooms, schema

_MARKS = {Health.GOOD: "✔", Health.OFF: "–", Health.POOR: "!", Health.BAD: "✘"}
MIN_FREE = 1_000_000_000
MAX_SKEW_S = 5
_TIME_ERROR = 5


def examine(config: Config) -> tuple[str, bool]:
    """Run all checks. Answers the report and whether nothing is broken."""
    rooms.load_checks()
    findings = [_safely(name, config) for name in checks]
    lines = []
    for found in findings:
        lines.append(f"{_MARKS[found.health]} {found.check}: {found.what.vi}\n    {found.what.en}")
        if found.hint is not None:
            lines.append(f"    → {found.hint.vi}\n    → {found.hint.en}")
    return "\n".join(lines), all(f.health is not Health.BAD for f in findings)


def _safely(name: str, config: Config) -> Finding:
    try:
        return checks[name](config)
    except Exception as error:
        what = phrase("Không kiểm tra được: {error}", error=f"{type(error).__name__}: {error}")
        return Finding(name, Health.BAD, what, phrase("Xem lỗi trên và thiết lập liên quan trong docs/settings.md."))


@check("database")
def database(config: Config) -> Finding:
    """Whether it answers and has the newest schema."""
    db = Database(config.sql_url)
    try:
        with db.engine.connect() as connection:
            revision = schema.current(connection)
            name = connection.dialect.name
    except sa.exc.SQLAlchemyError as error:
        what = phrase("Không kết nối được cơ sở dữ liệu: {error}", error=str(error).splitlines()[0])
        hint = phrase("Kiểm tra LIENTHONG_DATABASE_URL, máy chủ PostgreSQL và mật khẩu.")
        return Finding("database", Health.BAD, what, hint)
    finally:
        db.close()
    if revision != schema.newest():
        what = phrase("Cơ sở dữ liệu {name} chưa có cấu trúc mới nhất.", name=name)
        return Finding("database", Health.BAD, what, phrase("Chạy: lienthong migrate"))
    return Finding("database", Health.GOOD, phrase("{name}, cấu trúc {revision}", name=name, revision=revision or ""))


@check("blobs")
def blobs(config: Config) -> Finding:
    """Whether a file can be written and read."""
    place = config.blobs_url or str(config.blobs_dir)
    try:
        store_for(config).check()
    except Exception as error:
        what = phrase("Không ghi được tệp vào {place}: {error}", place=place, error=str(error.__cause__ or error))
        hint = phrase("Kiểm tra quyền ghi của thư mục, hoặc khóa và địa chỉ S3.")
        return Finding("blobs", Health.BAD, what, hint)
    return Finding("blobs", Health.GOOD, phrase("Ghi và đọc được tệp ở {place}", place=place))


@check("disk")
def disk(config: Config) -> Finding:
    """Whether there is room left."""
    folder = config.data_dir if config.data_dir.exists() else config.data_dir.absolute().parent
    free = shutil.disk_usage(folder if folder.exists() else "/").free
    what = phrase("Còn trống {free} GB", free=f"{free / 1e9:.1f}")
    if free < MIN_FREE:
        return Finding("disk", Health.BAD, what, phrase("Giải phóng dung lượng đĩa: dưới 1 GB thì không an toàn."))
    return Finding("disk", Health.GOOD, what)


@check("clock")
def clock_check(config: Config) -> Finding:
    """Whether this clock is right: a wrong one spoils deadlines and signatures. It is held against the database
    server's, and the system is asked whether a time server sets it."""
    skew_s = _skew_s(config)
    if skew_s is None:
        what = phrase("Giờ Việt Nam: {now}", now=clock.now().astimezone(clock.VN).strftime("%H:%M:%S %d/%m/%Y"))
    else:
        what = phrase("Lệch {skew} giây so với máy chủ cơ sở dữ liệu", skew=f"{skew_s:.1f}")
    hint = phrase("Bật đồng bộ giờ (chrony hoặc systemd-timesyncd).")
    if skew_s is not None and skew_s > MAX_SKEW_S:
        return Finding("clock", Health.BAD, what, hint)
    if not _time_is_served():
        unset = phrase("{clock}; đồng hồ máy này không được đồng bộ với máy chủ giờ.", clock=what)
        return Finding("clock", Health.POOR, unset, hint)
    return Finding("clock", Health.GOOD, what)


def _skew_s(config: Config) -> float | None:
    """How far this clock is from the database server's; None for the embedded database, which has no other clock."""
    db = Database(config.sql_url)
    try:
        if db.is_sqlite:
            return None
        with db.engine.connect() as connection:
            theirs: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            return abs((theirs - clock.now()).total_seconds())
    finally:
        db.close()


def _time_is_served() -> bool:
    """Whether the kernel says that its clock is set by a time server (adjtimex(2), which only reads here). True where
    the kernel cannot be asked."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))) != _TIME_ERROR
    except (OSError, AttributeError):
        return True


@check("address")
def address(config: Config) -> Finding:
    """Whether the public address answers, when a server is up."""
    if config.mode == "production" and urlsplit(config.base_url).scheme != "https":
        what = phrase("Địa chỉ công khai {url} không dùng https.", url=config.base_url)
        return Finding("address", Health.BAD, what, phrase("Đặt LIENTHONG_BASE_URL thành địa chỉ https của nginx."))
    begun = time.monotonic()
    try:
        urlopen(Request(f"{config.base_url}/health"), timeout=5, context=ssl.create_default_context()).close()  # noqa: S310
    except OSError:
        what = phrase("Chưa có máy chủ trả lời ở {url}.", url=config.base_url)
        return Finding("address", Health.OFF, what, phrase("Chạy: lienthong up (hoặc scripts/run)"))
    took = f"{(time.monotonic() - begun) * 1000:.0f}"
    return Finding("address", Health.GOOD, phrase("{url} trả lời sau {took} ms", url=config.base_url, took=took))

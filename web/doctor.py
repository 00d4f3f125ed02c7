"""`lienthong doctor`: every part says how it is, and what to do, in Vietnamese and English."""

import ctypes
import shutil
import ssl
import time
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import sqlalchemy as sa

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.doctor import Finding, Health, check, checks
from kernel.queue import clockwatch
from kernel.storage import blob_check
from kernel.storage.blobs import store_for
from kernel.text import phrase
from signing.log import audit_heads
from web import integrity, rooms, schema

_MARKS = {Health.GOOD: "✔", Health.OFF: "–", Health.POOR: "!", Health.BAD: "✘"}
MIN_FREE = 1_000_000_000
READ_BY_DOCTOR = 1_000_000_000
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


@check("stored")
def stored(config: Config) -> Finding:
    """Whether the audit is whole, all files are there that rows name, and files are what their names say: the nightly
    job reads them all, this check as many as it can in moments."""
    rooms.load_models()
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            walked, night = audit_heads.check(tx), integrity.last_night(tx)
        files = blob_check.check(db, store_for(config), most_bytes=READ_BY_DOCTOR)
    finally:
        db.close()
    hint = phrase("Chạy: lienthong audit check, lienthong blobs check; khôi phục tệp hỏng từ bản sao lưu.")
    wrong = integrity.told(integrity.Found(walked, files)) or night
    if wrong is not None:
        return Finding("stored", Health.BAD, wrong, hint)
    what = phrase(
        "Nhật ký {entries} mục nguyên vẹn; đã đọc lại {read} trong {files} tệp, không tệp nào hỏng hoặc mất.",
        entries=walked.entries,
        read=files.read,
        files=files.files,
    )
    return Finding("stored", Health.GOOD, what)


@check("folder")
def folder_check(config: Config) -> Finding:
    """Whether others of this machine are kept out of the data folder."""
    if not config.data_dir.exists():
        return Finding("folder", Health.OFF, phrase("Chưa có thư mục dữ liệu {folder}.", folder=str(config.data_dir)))
    mode = config.data_dir.stat().st_mode & 0o777
    if mode & 0o077:
        what = phrase("Người khác trên máy mở được thư mục dữ liệu {folder}.", folder=str(config.data_dir))
        return Finding("folder", Health.BAD, what, phrase("Chạy: chmod 700 {folder}", folder=str(config.data_dir)))
    return Finding(
        "folder", Health.GOOD, phrase("Chỉ dịch vụ mở được thư mục dữ liệu {folder}.", folder=str(config.data_dir))
    )


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
    if skew_s is not None and skew_s > clockwatch.MAX_SKEW_S:
        stops = phrase("{clock}: tiến trình worker trên máy này không nhận việc cho tới khi giờ đúng.", clock=what)
        return Finding("clock", Health.BAD, stops, hint)
    if not _time_is_served():
        unset = phrase("{clock}; đồng hồ máy này không được đồng bộ với máy chủ giờ.", clock=what)
        return Finding("clock", Health.POOR, unset, hint)
    return Finding("clock", Health.GOOD, what)


def _skew_s(config: Config) -> float | None:
    """How far this clock is from the database server's; None for the embedded database, which has no other clock."""
    db = Database(config.sql_url)
    try:
        return None if db.is_sqlite else abs(clockwatch.skew_s(db, clock.now))
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

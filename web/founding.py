"""The first step of a production instance."""

from directory import people
from kernel.config import Config
from kernel.text import phrase
from web.services import Services


def found(config: Config, agency_code: str, agency_name: str, name: str, email: str) -> str:
    """Enter the top agency and its administrator. Answers with the temporary password, which is shown only here."""
    parts = Services.from_config(config)
    try:
        with parts.db.write("system") as tx:
            password = people.first_administrator(tx, agency_code, agency_name, name, email)
    finally:
        parts.db.close()
    said = phrase("Mật khẩu tạm của {email}: {password}", email=email, password=password)
    return f"{said.vi}\n{said.en}"

"""The operator's forms of the exchange."""

from wtforms import Form, SelectField
from wtforms.fields.choices import SelectChoice

from docex.exchange.steering_conventions import STEERING_FIRSTS
from kernel.text import phrase


class ConventionForm(Form):  # type: ignore[misc]
    """From which number an agency's software counts `SteeringType`."""

    agency_id = SelectField(
        phrase("Cơ quan"), description=phrase("Các cơ quan cấp dưới theo cùng cách."), validate_choice=False
    )
    steering_first = SelectField(
        phrase("Cách đánh số"),
        choices=[SelectChoice(value, label) for value, label in STEERING_FIRSTS.items()],
        default="",
        validate_choice=False,
    )

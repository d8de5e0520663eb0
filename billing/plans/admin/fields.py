"""Form fields of the catalogue: texts in several languages, lists of words; and forms that the parser checks."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS

from billing.plans.stored import known_meters, known_taxes
from billing.pricing.charges import UNDETERMINED
from billing.pricing.parse import Problem, parse_catalog

LANGUAGES = [code for code, _name in settings.LANGUAGES]


class TextsWidget(forms.MultiWidget):
    """One line of text for each language of the installation."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {
            code: forms.TextInput({"class": "vTextField", "placeholder": name, "aria-label": name})
            for code, name in settings.LANGUAGES
        }
        super().__init__(widgets, attrs)

    def decompress(self, value: Any) -> list[str]:
        texts = value if isinstance(value, dict) else {}
        first = texts.get(LANGUAGES[0]) or texts.get(UNDETERMINED, "")
        return [first, *(texts.get(code, "") for code in LANGUAGES[1:])]


class TextsField(forms.MultiValueField):
    """{"en": …, "fr": …}: a language that is left empty is left out, at least one is written."""

    widget = TextsWidget

    def __init__(self, **options: Any) -> None:
        fields = [forms.CharField(max_length=200, required=False) for _code in LANGUAGES]
        super().__init__(fields, require_all_fields=False, **options)

    def compress(self, data_list: list[str]) -> dict[str, str]:
        return {code: text for code, text in zip(LANGUAGES, data_list, strict=False) if text}


class WordsField(forms.CharField):
    """A list of words, written with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [word.strip() for word in text.split(",") if word.strip()]


class CatalogForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose fields are checked by the parser of the catalogue file, under the same names."""

    section: ClassVar[str]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        entry = {key: value for key, value in self.entry(data).items() if value not in (None, "")}
        _catalog, problems = parse_catalog(
            {"catalog": 1, self.section: [entry]}, known_meters=known_meters(), known_taxes=known_taxes()
        )
        for problem in problems:
            field, message = self.place(problem)
            self.add_error(field if field in self.fields else NON_FIELD_ERRORS, message)
        return data

    def entry(self, data: dict[str, Any]) -> dict[str, Any]:
        """The entry of the catalogue file: what cannot be edited is taken from the row."""
        names = {field.name for field in self._meta.model._meta.fields} - {"id", "priced_dimensions"}
        stored = {name: getattr(self.instance, name) for name in names} if self.instance.pk else {}
        return {**stored, **data}

    def place(self, problem: Problem) -> tuple[str, str]:
        """The field that a problem is about, and what to say there."""
        path = problem.path.removeprefix(f"{self.section}[0].")
        field = path.partition(".")[0].partition("[")[0]
        return field, problem.message if path == field else f"{path}: {problem.message}"

"""The page that says what will happen, and asks: every change of state goes through one."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


def ask(
    request: HttpRequest,
    model_admin: admin.ModelAdmin,
    *,
    title: str,
    says: Sequence[str],
    button: str,
    back: str,
    form: forms.Form | None = None,
    stop: bool = False,
    template: str = "admin/office/ask.html",
    **more: Any,
) -> HttpResponse:
    """`says`: what will happen, a sentence each. `stop`: the button is for what is hard to mend.

    `button` "": there is nothing to do, and they say why; `way` and `way_words`: a link beside it.
    """
    return TemplateResponse(
        request,
        template,
        {
            **page(request, model_admin, title=title),
            "says": says,
            "button": button,
            "back": back,
            "form": form,
            "stop": stop,
            **more,
        },
    )


def page(request: HttpRequest, model_admin: admin.ModelAdmin, *, title: str) -> dict[str, Any]:
    """What the admin's base template needs."""
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
    }

"""Every address of the site."""

from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, re_path

from accounts.models import SignInCode
from portal.feeds import region_feed
from portal.public_pages import PublicSitemap
from portal.views import my_account, my_data, status
from portal.views.affected import affected
from portal.views.api import unknown_api
from portal.views.centres import centres
from portal.views.demo import demo, demo_phone
from portal.views.home import home
from portal.views.language import set_language
from portal.views.pages import advice_page, health, robots, site_map, text_page

urlpatterns = [
    path("", home, name="home"),
    path("centres/", centres, name="centres"),
    path("affected/", affected, name="affected"),
    path("status/", status.overview, name="status"),
    path("status/<slug:region_code>.json", status.region_json, name="region_json"),
    path("status/<slug:region_code>/", status.region_status, name="region_status"),
    path("status/<slug:region_code>/news/", status.region_news, name="region_news"),
    path("status/<slug:region_code>/<slug:language>.atom", region_feed, name="region_feed"),
    path(
        "status/<slug:region_code>/<slug:centre_code>/", status.centre_status, name="centre_status"
    ),
    path(
        "status/<slug:region_code>/<slug:centre_code>/news/",
        status.centre_news,
        name="centre_news",
    ),
    path("advice/", advice_page, name="advice"),
    path("contact/", text_page("contact"), name="contact"),
    path("privacy/", text_page("privacy"), name="privacy"),
    path("terms/", text_page("terms"), name="terms"),
    path("accessibility/", text_page("accessibility"), name="accessibility"),
    path("feedback/", text_page("feedback"), name="feedback"),
    path("sitemap/", site_map, name="sitemap"),
    path("sitemap.xml", sitemap, {"sitemaps": {"public": PublicSitemap}}, name="sitemap_xml"),
    path("language/", set_language, name="set_language"),
    path("demo/", demo, name="demo"),
    path("demo/phone/", demo_phone, name="demo_phone"),
    path("healthz/", health, name="health"),
    path("robots.txt", robots, name="robots"),
    path("account/phone/code/", my_account.AddressCodeView.as_view(), name="my_phone_code"),
    path(
        "account/email/code/",
        my_account.AddressCodeView.as_view(channel=SignInCode.Channel.EMAIL),
        name="my_email_code",
    ),
    path("account/email/remove/", my_account.remove_email, name="my_email_remove"),
    path("account/messages/", my_account.wishes, name="my_messages"),
    path("account/data/", my_data.show, name="my_data"),
    path("account/data/download/", my_data.download, name="my_data_download"),
    path("account/close/", my_account.close, name="my_close"),
    path("account/close/sure/", my_account.close_for_sure, name="my_close_for_sure"),
    path("", include("accounts.urls")),
    path("api/v1/", include("appointments.api.urls")),
    re_path(r"^api/", unknown_api),
    path("officers/", admin.site.urls),
    path("", include("notifications.urls")),
    # Last: links in messages stand at the root.
    path("", include("appointments.urls")),
]

handler400 = "portal.views.errors.bad_request"
handler500 = "portal.views.errors.server_error"

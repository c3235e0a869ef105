from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def give_sizes(apps, schema_editor):
    """What is known of older attempts: the parts of the latest one of their message."""
    Attempt = apps.get_model("notifications", "Attempt")
    Message = apps.get_model("notifications", "Message")
    parts = Message.objects.filter(pk=OuterRef("message")).values("parts")
    Attempt.objects.exclude(started_at=None).exclude(outcome="").update(size=Subquery(parts))


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0004_dlt"),
    ]

    operations = [
        migrations.AddField(
            model_name="gate",
            name="shut_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="size",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.RunPython(give_sizes, migrations.RunPython.noop),
    ]

import django.db.models.deletion
from django.db import migrations, models


def list_the_people(apps, schema_editor):
    """Who is on a list stood on the offers alone."""
    OfferList = apps.get_model("appointments", "OfferList")
    Offer = apps.get_model("appointments", "Offer")
    Listed = apps.get_model("appointments", "Listed")
    for silence, kind in (("keep", "MOVED_MANY_KEEP"), ("requeue", "MOVED_MANY_ANSWER")):
        OfferList.objects.filter(plan__silence=silence).update(kind=kind)
    offers = Offer.objects.exclude(listed_in=None).values_list(
        "pk", "appointment_id", "listed_in_id", "state"
    )
    Listed.objects.bulk_create(
        (
            Listed(
                offer_id=pk,
                appointment_id=appointment_id,
                offer_list_id=list_id,
                left=state != "open",
            )
            for pk, appointment_id, list_id, state in offers.iterator()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):

    dependencies = [
        ("appointments", "0007_alerts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Listed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("left", models.BooleanField(default=False)),
                ("appointment", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="listed", to="appointments.appointment")),
                ("offer", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="listed", to="appointments.offer")),
                ("offer_list", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="people", to="appointments.offerlist")),
            ],
        ),
        migrations.AddConstraint(
            model_name="listed",
            constraint=models.UniqueConstraint(fields=("offer_list", "appointment"), name="listed_once"),
        ),
        migrations.AddField(
            model_name="offerlist",
            name="kind",
            field=models.CharField(default="", max_length=30),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="offerlist",
            name="number_digest",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="offerlist",
            name="deadline",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="offerlist",
            name="plan",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="offer_lists", to="appointments.plan"),
        ),
        migrations.AddConstraint(
            model_name="offerlist",
            constraint=models.CheckConstraint(
                condition=models.Q(("deadline__isnull", True), ("plan__isnull", True))
                | models.Q(("deadline__isnull", False), ("plan__isnull", False)),
                name="offerlist_deadline_exactly_of_a_plan",
            ),
        ),
        migrations.RunPython(list_the_people, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="offer", name="offer_listed_only_by_a_plan"),
        migrations.RemoveField(model_name="offer", name="listed_in"),
    ]

"""Invented contacts of the demonstration's office; each says that it is invented."""

DEMO_CONTACTS = {
    "address_en": "Demonstration: 1 Example Road, Bhopal 462011",
    "address_hi": "प्रदर्शन: 1 उदाहरण मार्ग, भोपाल 462011",
    "hours_en": "Monday to Friday, 9:30 am to 4:30 pm",
    "hours_hi": "सोमवार से शुक्रवार, सुबह 9:30 से शाम 4:30 बजे तक",
    "email": "office@demo.example",
    "grievance_en": "Demonstration: Deputy Passport Officer (Grievances)",
    "grievance_hi": "प्रदर्शन: उप पासपोर्ट अधिकारी (शिकायत)",
    "grievance_email": "grievance@demo.example",
    "grievance_phone": "0755-000-0000",
    "data_en": "Demonstration: Data Protection Officer",
    "data_hi": "प्रदर्शन: डेटा संरक्षण अधिकारी",
    "data_email": "data@demo.example",
}

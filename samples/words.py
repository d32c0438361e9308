"""What firms, people and products of the sample are called."""

LEGAL = ("GmbH", "GmbH", "GmbH", "GmbH & Co. KG", "AG", "e.K.", "KG", "UG", "OHG", "SE")
TRADES = (
    "Bäckerei Café Dachdeckerei Druckerei Elektro Fahrschule Fleischerei Gärtnerei Gebäudetechnik"
    " Großhandel Hörgeräte Hotel Ingenieurbüro Kanzlei Kühlhaus Logistik Maschinenbau Möbelhaus"
    " Mühle Optik Pflegedienst Praxis Reederei Schlosserei Spedition Steuerbüro Tischlerei"
    " Versicherungsbüro Weingut Werft Zahnarztpraxis Zimmerei"
).split()
FAMILIES = (
    "Albrecht Başaran Bauer Björnsson Böhm Brandstätter Çelik Dąbrowski Dvořák Fischer Fløystad"
    " García Götz Großmann Günther Hübner İnan Jäger Jørgensen Köhler König Krüger Kučera Lefèvre"
    " Löffler Maier Müller Nagy Nguyễn Novák Núñez Öztürk Østergaard Petersen Quast Rößler Sánchez"
    " Schäfer Schröder Schulz Şahin Süß Szymański Tóth Uçar Väisänen Voß Weiß Wójcik Yıldırım Żak"
).split()
PLACES = (
    "Aachen Bremen Cottbus Düsseldorf Emden Freiburg Göttingen Halle Ingolstadt Jena Köln Lübeck"
    " München Nürnberg Osnabrück Passau Quedlinburg Rostock Saarbrücken Tübingen Ulm Völklingen"
    " Würzburg Xanten Zwickau"
).split()
# Names in other scripts, with the country they come from.
ABROAD = (
    ("Αφοί Παπαδόπουλοι", "GR"),
    ("Ναυτιλιακή Πειραιά", "GR"),
    ("Булгартранс", "BG"),
    ("Пловдив Консулт", "BG"),
    ("Blæsbjerg Vindkraft", "DK"),
    ("Łódzka Spółdzielnia", "PL"),
    ("Česká pekárna", "CZ"),
    ("Société Générale d’Électricité", "FR"),
    ("Þingvellir Ferðir", "IS"),
)
GIVEN_NAMES = (
    "Anna Björn Çağla Dörte Elif Finn Greta Håkon Ilse Jürgen Käthe Lukas Małgorzata Nils Ömer Petra"
    " Renée Søren Theo Ursula Věra Wiebke Zoë"
).split()
RESELLERS = (
    "Cloud Consulting Data Digital IT-Service Netz Support Systeme Systemhaus Technik".split()
)
PROVIDERS = (
    "Weserland",
    "Alpenblick",
    "Brückner",
    "Ostsee",
    "Rheingold",
    "Schwarzwald",
    "Tannhäuser",
)
DEPARTMENTS = ("Außendienst", "Buchhaltung", "Geschäftsführung", "Lager", "Vertrieb", "Werkstatt")

PUBLISHERS = ("Fjord Software", "Kompass Systems", "Lotse", "Nordstern", "Windrose Labs")
PRODUCTS = (
    "Analytics",
    "Archiv",
    "Backup",
    "Bürosuite",
    "Endpoint Protection",
    "Ferien- und Zeitplanung",
    "Mail",
    "Projekt",
    "Speicher",
    "Telefonie",
    "Übersetzer",
    "Videokonferenz",
)
EDITIONS = ("Basic", "Business", "Enterprise")

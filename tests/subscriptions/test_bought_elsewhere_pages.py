"""C4: the support contact of what was bought elsewhere."""

from tests.demo import HAFEN, HELPDESK
from tests.pages import Page, signed_in
from tests.subscriptions.pages import address, contact, opened, submit


def test_C4_who_has_dap_may_designate_itself_or_its_resellers(visio, hafen):
    page = opened(HELPDESK, visio)
    assert page.options == ["No partner designated", "Hafen IT", "Nordlicht Distribution"]
    assert page.chosen == "No partner designated"
    assert page.facts["Seller"] == "Bought elsewhere"
    assert page.facts["Answers now"] == "No partner designated"
    # A reseller, only itself.
    assert opened(HAFEN, visio).options == ["No partner designated", "Hafen IT"]
    assert submit(HAFEN, visio, hafen).url == address(visio, "review")
    assert contact(visio) == "Hafen IT"


def test_C4_nobody_may_be_taken_back_to(visio, hafen):
    submit(HAFEN, visio, hafen)
    page = opened(HAFEN, visio, "review")
    assert page.facts["Support contact before"] == "No partner designated"
    assert page.all_text("button") == ["Take it back"]
    answer = submit(HAFEN, visio, "", seen=page.hidden("seen"))
    assert answer.url == address(visio, "review")
    assert contact(visio) is None
    page = opened(HAFEN, visio, "review")
    assert page.alerts == [
        ("status", "The change is in force: no partner is designated for this subscription now.")
    ]


def test_C4_C7_nobody_again_changes_nothing_and_says_so(visio, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        answer = browser.post(address(visio), {"support_contact": ""})
    assert Page(browser.get(answer.url)).alerts == [
        ("status", "There is no designated partner already. Nothing was changed.")
    ]


def test_C4_for_a_partner_without_dap_it_does_not_exist(visio, nothing_written):
    with nothing_written():
        for email in ("global@elbe.example", "global@suedwind.example"):
            assert signed_in(email).get(address(visio)).status_code == 404
            assert submit(email, visio, "").status_code == 404


def test_C4_C7_a_contact_of_another_partner_stays_when_submit_is_pressed_untouched(
    demo, visio, nothing_written
):
    moewe = demo.partner("Möwe Systems")
    visio.designate(moewe, by=demo.user("global@moewe.example"))
    page = opened(HELPDESK, visio)
    assert page.facts["Answers now"] == "Möwe Systems"
    assert page.chosen != "No partner designated"
    [select] = page.find("select")
    [chosen] = [option for option in select if option.text == page.chosen]
    with nothing_written():
        submit(HELPDESK, visio, chosen.get("value", ""), seen=page.hidden("seen"))
    assert contact(visio) == "Möwe Systems"

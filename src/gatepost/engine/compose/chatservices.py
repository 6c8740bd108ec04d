"""Services that a chat's URL can name: all of apprise's that speak HTTP through `requests`.

What uses sockets of its own, programs or files of this machine is not among them: where such a one
connects to could not be checked.
"""

from __future__ import annotations

from typing import NamedTuple


class Service(NamedTuple):
    """A service: its module and class in `apprise.plugins`. `hosted` says that what stands for the
    host in its URLs always is one; elsewhere it may be a token.
    """

    module: str
    name: str
    hosted: bool


# A mark (* for hosted), the module, the class, the schemes.
_TABLE = """
- africas_talking NotifyAfricasTalking atalk
* apprise_api NotifyAppriseAPI apprise apprises
* bark NotifyBark bark barks
- betterstack NotifyBetterStack betterstack
- bluesky NotifyBlueSky bluesky bsky
- brevo NotifyBrevo brevo
- bulksms NotifyBulkSMS bulksms
- bulkvs NotifyBulkVS bulkvs
- burstsms NotifyBurstSMS burstsms kudosity
- chanify NotifyChanify chanify
- clickatell NotifyClickatell clickatell
- clicksend NotifyClickSend clicksend
- cliq NotifyCliq cliq zcliq zohocliq
- cm NotifyCM cm
* custom_form NotifyForm form forms
* custom_json NotifyJSON json jsons
* custom_xml NotifyXML xml xmls
- d7networks NotifyD7Networks d7sms
- dapnet NotifyDapnet dapnet
- dingtalk NotifyDingTalk dingtalk
- discord NotifyDiscord discord
- dot NotifyDot dot
- eight00com NotifyEight00com eight00com
* emby NotifyEmby emby embys
* enigma2 NotifyEnigma2 enigma2 enigma2s
* evolution NotifyEvolution evolution evolutions
- exotel NotifyExotel exotel
- feishu NotifyFeishu feishu
- firehydrant NotifyFireHydrant firehydrant
- flock NotifyFlock flock
* flowtriq NotifyFlowtriq flowtriq flowtriqs
- fluxer NotifyFluxer fluxer fluxers
- fortysixelks Notify46Elks 46elks elks
- freemobile NotifyFreeMobile freemobile
- github NotifyGitHub github
* goalert NotifyGoAlert goalert goalerts
- google_chat NotifyGoogleChat gchat
* gorush NotifyGorush gorush gorushs
* gotify NotifyGotify gotify gotifys
- groundmail NotifyGroundmail groundmail
- groupme NotifyGroupMe groupme
- guilded NotifyGuilded guilded
- gupshup NotifyGupshup gupshup
* home_assistant NotifyHomeAssistant hassio hassios
- httpsms NotifyHttpSMS httpsms
* humhub NotifyHumHub humhub humhubs
- ifttt NotifyIFTTT ifttt
- ilert NotifyILert ilert
- incidentio NotifyIncidentIO incidentio
* infobip NotifyInfobip infobip
* jellyfin NotifyJellyfin jellyfin jellyfins
- jira NotifyJira jira
- join NotifyJoin join
- kakaotalk NotifyKakaoTalk kakao kakaotalk
- kaleyra NotifyKaleyra kaleyra klr
- kavenegar NotifyKavenegar kavenegar
* kodi NotifyXBMC kodi kodis xbmc xbmcs
- kook NotifyKook kook
- kumulos NotifyKumulos kumulos
- lametric NotifyLametric lametric lametrics
- lark NotifyLark lark
- lauther NotifyLauther lauther
- lfgalarm NotifyLFGAlarm lfg
- line NotifyLine line
- mailersend NotifyMailerSend mailersend
* mailgun NotifyMailgun mailgun
* mastodon NotifyMastodon mastodon mastodons toot toots
- matrix NotifyMatrix matrix matrixs
* mattermost NotifyMattermost mmost mmosts
- messagebird NotifyMessageBird msgbird
* misskey NotifyMisskey misskey misskeys
- mobilemessage NotifyMobileMessage mobilemessage mobilemsg
- msg91 NotifyMSG91 msg91
* nextcloud NotifyNextcloud ncloud nclouds
* nextcloudtalk NotifyNextcloudTalk nctalk nctalks
- notica NotifyNotica notica noticas
- notifiarr NotifyNotifiarr notifiarr
- notifico NotifyNotifico notifico notificos
- notifyre NotifyNotifyre notifyre
- ntfy NotifyNtfy ntfy ntfys
- octopush NotifyOctopush octopush
- office365 NotifyOffice365 azure o365
- one_signal NotifyOneSignal onesignal
* onebot NotifyOneBot onebot onebots
- opsgenie NotifyOpsgenie opsgenie
- pagerduty NotifyPagerDuty pagerduty
- pagertree NotifyPagerTree pagertree
* parseplatform NotifyParsePlatform parsep parseps
* pinglet NotifyPinglet pinglet pinglets
- pingram NotifyPingram pingram
- plivo NotifyPlivo plivo
- postmark NotifyPostmark postmark
- prowl NotifyProwl prowl
- pushbullet NotifyPushBullet pbul
- pushdeer NotifyPushDeer pushdeer pushdeers
- pushed NotifyPushed pushed
* pushjet NotifyPushjet pjet pjets
- pushme NotifyPushMe pushme
- pushover NotifyPushover pover
- pushplus NotifyPushplus pushplus wecom
- pushsafer NotifyPushSafer psafer psafers
- pushward NotifyPushWard pushward
- pushy NotifyPushy pushy
- qq NotifyQQ qq
- reddit NotifyReddit reddit
- resend NotifyResend resend
- revolt NotifyRevolt revolt
- ringcentral NotifyRingCentral ringc
* rocketchat NotifyRocketChat rocket rockets
- ryver NotifyRyver ryver
- sendgrid NotifySendGrid sendgrid
* sendpulse NotifySendPulse sendpulse
- serverchan NotifyServerChan schan
- serwersms NotifySerwerSMS serwersms
- ses NotifySES ses
- seven NotifySeven seven
- sfr NotifySFR sfr
* signal_api NotifySignalAPI signal signals
- signalgrid NotifySignalgrid signalgrid
- signl4 NotifySIGNL4 signl4
- simplepush NotifySimplePush simplepush spush
- sinch NotifySinch sinch
- slack NotifySlack slack
- smsc NotifySMSC smsc
* smseagle NotifySMSEagle smseagle smseagles
- smsmanager NotifySMSManager smsmanager smsmgr
- smstunnel NotifySMSTunnel smstunnel
* smtp2go NotifySMTP2Go smtp2go
- sns NotifySNS sns
* sogs NotifySessionOGS session sessions sogs
* sparkpost NotifySparkPost sparkpost
- spike NotifySpike spike
- splunk NotifySplunk splunk victorops
- spugpush NotifySpugpush spugpush
- squadcast NotifySquadcast squadcast
- stackfield NotifyStackfield stackfield
- streamlabs NotifyStreamlabs strmlabs
* synology NotifySynology synology synologys
- techuluspush NotifyTechulusPush push
- telegram NotifyTelegram tgram
- telesign NotifyTelesign telesign
- telnyx NotifyTelnyx telnyx
- threema NotifyThreema threema
- trigv NotifyTrigv trigv trigvs
- twilio NotifyTwilio twilio
- twist NotifyTwist twist
- twitter NotifyTwitter tweet twitter x
- viber NotifyViber viber
- voipms NotifyVoipms voipms
- vonage NotifyVonage nexmo vonage
- webexteams NotifyWebexTeams webex wxteams
* wechat NotifyWeChat wechat
- wecombot NotifyWeComBot wecombot
- whapi NotifyWhapi whapi
- whatsapp NotifyWhatsApp whatsapp
* workflows NotifyWorkflows workflow workflows
- wpush NotifyWPush wpush
- wxpusher NotifyWxPusher wxpusher
* xmatters NotifyXMatters xmatters
- youlmk NotifyYouLMK youlmk
- zalo NotifyZalo zalo
- zoom NotifyZoom zoom
- zulip NotifyZulip zulip
"""


def _read() -> dict[str, Service]:
    found: dict[str, Service] = {}
    for line in _TABLE.split("\n"):
        mark, module, name, *schemes = line.split() or ("", "", "")
        found |= dict.fromkeys(schemes, Service(module, name, mark == "*"))
    return found


SERVICES = _read()
"""By scheme."""

PLAIN = frozenset(one for one in SERVICES if f"{one}s" in SERVICES) - {"workflow"}
"""Schemes of services that are spoken to without encryption: those with a twin that ends in s."""

NATIVE = {
    "api.flock.com": "flock",
    "api.guilded.gg": "guilded",
    "chat.googleapis.com": "gchat",
    "discord.com": "discord",
    "discordapp.com": "discord",
    "hooks.slack.com": "slack",
    "maker.ifttt.com": "ifttt",
    "media.guilded.gg": "guilded",
    "ntfy.sh": "ntfys",
    "open.larksuite.com": "lark",
    "qyapi.weixin.qq.com": "wecombot",
    "webhooks.webex.com": "webex",
    "webexapis.com": "webex",
}
"""Hosts whose own https URLs, as they are shown to people, name a service."""

NATIVE_ENDS = {".logic.azure.com": "workflows", ".powerplatform.com": "workflows"}
"""The same, for all hosts that end so."""

FILES = {
    "discord": "template",
    "guilded": "template",
    "slack": "template",
    "tgram": "template",
    "workflow": "template",
    "workflows": "template",
}
"""Members of URLs that name a file of this machine."""


def scheme_of(scheme: str, host: str) -> str:
    """The scheme of the service that a URL with this scheme and host names, empty for none."""
    if scheme in SERVICES:
        return scheme
    if scheme != "https":
        return ""
    ended = (name for end, name in NATIVE_ENDS.items() if host.endswith(end))
    return NATIVE.get(host, "") or next(ended, "")

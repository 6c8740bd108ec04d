"""Which scope each operation of each dialect needs, written down once more.

What a dialect says of itself is compared with this: a scope that changes by accident fails here.
"""

TABLE: dict[str, dict[str, str]] = {
    "native": {
        "aggregators:read": """
            listAggregators getAggregator reportAggregator listAggregatorEvents listAggregatorTags
            getStats listStatsEvents listStatsTags listShares getShare
        """,
        "aggregators:write": """
            createAggregator updateAggregator deleteAggregator createShare revokeShare
        """,
        "any": """
            currentKey ping me getAccount createAccount updateAccount switchOperator
            listBookmarks createBookmark deleteBookmark
        """,
        "audit:read": "listAudit getOperations getSettings listAccounts listAllOperators",
        "customers:read": "listCustomers getCustomer",
        "customers:write": """
            createCustomer updateCustomer deleteCustomer putCustomerQuota
            deleteCustomerQuota
        """,
        "domains:read": "listSendingDomains getSendingDomain listMailers getMailer",
        "domains:write": """
            createSendingDomain updateSendingDomain verifySendingDomain deleteSendingDomain
            createMailer updateMailer deleteMailer
        """,
        "endpoints:read": "listEndpoints getEndpoint",
        "endpoints:write": """
            createEndpoint updateEndpoint rotateEndpoint enableEndpoint disableEndpoint
            testEndpoint deleteEndpoint
        """,
        "events:read": "getEvent listEvents streamEvents traceEvent listChannels",
        "events:write": "createEvent createEvents",
        "gate-keys:read": "listGateKeys getGateKey",
        "gate-keys:write": "createGateKey updateGateKey rotateGateKey deleteGateKey",
        "gate:check": "checkKey checkKeys",
        "identities:write": "identifyUser",
        "keys:read": "listKeys getKey",
        "keys:write": "createKey updateKey rotateKey deleteKey",
        "messages:read": """
            listMessages getMessage listDeliveries getDelivery getDeliveryTracking listMails
            getMail getRawMail countDeliveries getMailAttachment
        """,
        "messages:send": "createMessage",
        "messages:write": """
            cancelMessage getMessageSecret rotateMessageSecret deleteMessageSecret
            replayDeliveries replayDelivery cancelDelivery skipDelivery recoverEndpoint
        """,
        "operators:read": "listOperators getOperator listInvitations getInvitation",
        "operators:write": """
            updateOperator deleteOperator createInvitation resendInvitation deleteInvitation
        """,
        "people:erase": "deleteIdentity",
        "people:read": "listPeople getPerson listPersonEvents exportPerson",
        "projects:read": "listProjects getProject",
        "projects:write": "createProject updateProject deleteProject",
        "push:read": "getPushKey listDevices getDevice",
        "push:write": "createDevice deleteDevice",
        "push-key:write": "replacePushKey",
        "refusals:read": "listRefusals listRecentRequests",
        "relays:read": "listRelays getRelay",
        "relays:write": "createRelay getRelaySecret updateRelay deleteRelay",
        "rules:read": "listRules getRule backtestDraft backtestRule listAlerts getAlert",
        "rules:write": "createRule updateRule deleteRule muteRule unmuteRule acknowledgeAlert",
        "suppressions:read": "listSuppressions getSuppression",
        "suppressions:write": "createSuppression deleteSuppression",
        "templates:read": "listTemplates getTemplate previewTemplate",
        "templates:write": "createTemplate updateTemplate publishTemplate deleteTemplate",
        "usage:read": """
            getCustomerQuota listAdjustments getUsage rankCustomers getCustomerUsage
            listCustomerRequests
        """,
        "usage:write": "createAdjustment",
    },
    "eventicat": {
        "aggregators:read": """
            listAggregators getAggregator reportAggregator listAggregatorEvents
            listAggregatorTags
        """,
        "aggregators:write": "createAggregator updateAggregator deleteAggregator",
        "counts:write": "countEventByGet countEventByPost",
        "keys:write": "regenerateKey",
    },
    "emmi": {
        "customers:read": "listCustomers getCustomer getQuota",
        "customers:write": "registerCustomer updateCustomer deleteCustomer setQuota removeQuota",
        "data:write": "echoEstimates",
        "usage:read": "getUsage rankCustomers getCustomerUsage listCustomerRequests",
    },
    "emailit": {
        "contacts:read": """
            listContacts getContact exportContacts listAudiences getAudience listSubscribers
            getSubscriber listVerificationLists getVerificationList listVerificationResults
            exportVerificationList
        """,
        "contacts:write": """
            createContact updateContact deleteContact bulkContacts createAudience
            updateAudience deleteAudience addSubscriber updateSubscriber deleteSubscriber
            verifyEmail createVerificationList deleteVerificationList
        """,
        "domains:read": "listDomains getDomain",
        "domains:write": "createDomain updateDomain patchDomain verifyDomain deleteDomain",
        "endpoints:read": "listWebhooks getWebhook listWebhookRequests",
        "endpoints:write": """
            createWebhook updateWebhook deleteWebhook enableWebhook disableWebhook
            resetWebhookSecret testWebhook retryWebhookRequest retryFailedWebhookRequests
        """,
        "events:read": "listEvents getEvent",
        "events:write": "createEvent createEvents",
        "keys:read": "listApiKeys getApiKey",
        "keys:write": "createApiKey updateApiKey deleteApiKey regenerateApiKey",
        "messages:read": """
            listEmails getEmail getEmailRaw getEmailBody getEmailMeta getEmailAttachments
        """,
        "messages:send": "sendEmail updateEmail cancelEmail retryEmail forwardEmail",
        "suppressions:read": "listSuppressions getSuppression",
        "suppressions:write": "createSuppression updateSuppression deleteSuppression",
        "templates:read": "listTemplates getTemplate",
        "templates:write": "createTemplate updateTemplate publishTemplate deleteTemplate",
    },
    "notifykit": {
        "any": "ping getApiInfo getApiKey",
        "domains:read": """
            getSendGridKey getResendKey getPostmarkKey listEmailProviders getDomainStatus
        """,
        "domains:write": """
            saveSendGridKey removeSendGridKey saveResendKey removeResendKey savePostmarkKey
            removePostmarkKey rankEmailProvider requestDomain verifyDomain removeDomain
        """,
        "keys:write": "generateApiKey",
        "messages:read": "listJobs getJob getUsage",
        "messages:send": "sendEmail sendWebhook",
        "messages:write": """
            retryJob getWebhookSecret generateWebhookSecret rotateWebhookSecret
            deleteWebhookSecret
        """,
    },
}
"""Operations by the scope that is enough for each, and that nothing else makes up for. `any` is
what every key may do.
"""

NEEDED: dict[tuple[str, str], str] = {
    (dialect, operation): scope
    for dialect, scopes in TABLE.items()
    for scope, operations in scopes.items()
    for operation in operations.split()
}
SCOPES = sorted({*NEEDED.values()} - {"any"})
PRESETS: dict[str, set[str]] = {
    "full": set(SCOPES),
    "read": {one for one in SCOPES if one.endswith(":read")},
    "events": {"events:write", "identities:write", "counts:write"},
    "sending": {"messages:send"},
    "data": {"data:write", "gate:check"},
}

"""XNAT's site settings: their names, their defaults, and who may read them. Data only; preferences.py keeps the values.

Reference: SiteConfigPreferences, site-config-access.yaml. Long texts are this project's own.
"""

from __future__ import annotations

from typing import Any


def _each(value: Any, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), value)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PATHS = ("archive", "prearchive", "cache", "build", "ftp", "pipeline", "inbox")

DEFAULTS: dict[str, Any] = (
    _each(
        True,
        "addCountFieldsToProjectListings allowDataAdmins allowNonAdminsToClaimUnassignedSessions"
        " canResetFailedLoginsWithForgotPassword checksums defaultToSortedListings emailProjectAccessRequestToAdmin"
        " emailVerification enableCsrfToken enableDicomReceiver enableSitewideAnonymizationScript par"
        " preventCrossModalityMerge projectAllowAutoArchive requireLogin scanTypeMapping"
        " securityAllowNonPrivateProjects uiAllowAdvancedSearch uiAllowMoreProjectInvestigators"
        " uiAllowNewUserComments uiAllowNonAdminProjectCreation uiAllowPetTracerConfiguration uiAllowProjectDelete"
        " uiAllowQuarantine uiAllowScanAddition uiAllowScanTypeModification uiAllowSubjectCreateFromExptEdit"
        " uiDisplaySeriesDescription uiExptAllowLabelChange uiExptAllowProjectChange uiExptAllowSubjectChange"
        " uiHideXnatUploadAssistantDownload uiShowLeftBar uiShowLeftBarBrowse uiShowLeftBarFavorites"
        " uiShowLeftBarProjects uiShowLeftBarSearch uiShowManageFiles uiShowPrearchiveFileActions"
        " uiShowProjectManageFiles uiShowScanTypeMapping useSopInstanceUidToUniquelyIdentifyDicom",
    )
    | _each(
        False,
        "allowHtmlResourceRendering backupDeletedToCache csrfEmailAlert defaultToPagedRestfulLists"
        " enableSitewideSeriesImportFilter initialized maintainFileHistory matchSecurityProtocol"
        " reloadPrearcDatabaseOnStartup removeScanAggregateFields requireChangeJustification requireEventName"
        " requireImageAssessorLabels requireSaltedPasswords rerunProjectAnonOnRename restrictUserListAccessToAdmins"
        " securityExternalUserParDisabled securityLocalDbParRegistrationDisabled securityNewUserRegistrationDisabled"
        " showChangeJustification uiAllowBlockedSubjectAssessorView uiDebugExtensionPoints uiDisplayScanModality"
        " uiDisplaySeriesClass uiHideCompressedUploaderUploadOption uiHideDesktopClientDownload"
        " uiPrearchiveHideArchiveBtn uiShowRecentExptListDate uiShowRecentExptListScannerName userRegistration",
    )
    | _each(
        "",
        "passwordExpirationDate pathErrorWarning processingUrl siteUrl siteWideAlertMessage"
        " sitewideAnonymizationScript sitewidePetMr sitewidePetTracers sitewideSeriesImportFilter triagePath",
    )
    | {f"{name}Path": f"/data/xnat/{name}" for name in _PATHS}
    | {
        "adminEmail": "you@yoursite.org",
        "aliasTokenTimeout": "2 days",
        "aliasTokenTimeoutSchedule": "0 0 * * * *",
        "concurrentMaxSessions": 1000,
        "dataPaths": ["/xapi/**", "/data/**", "/REST/**", "/fs/**"],
        "defaultProjectAutoArchiveSetting": 4,
        "dicomFileNameTemplate": "${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}"
        "-${HashSOPClassUIDWithSOPInstanceUID}",
        "displayHostName": "multinode",
        "displayedUserIdentifierType": "USERNAME",
        "enabledProviders": ["localdb"],
        "failMergeOn": [],
        "fileOperationUsedForJobsWithSharedData": "hard_link",
        "htmlResourceRenderingWhitelist": ["bmp", "gif", "jpeg", "jpg", "png", "tiff", "txt", "xml"],
        "imageSessionDisplayNamePlural": "Sessions",
        "imageSessionDisplayNameSingular": "Session",
        "inactivityBeforeLockout": "1 year",
        "inactivityBeforeLockoutSchedule": "0 0 1 * * ?",
        "interactiveAgentIds": [".*MSIE.*", ".*Mozilla.*", ".*AppleWebKit.*", ".*Opera.*"],
        "ipsThatCanSendEmailsThroughRest": "^.*$",
        "mainPageSearchDatatypeOptions": ["xnat:mrSessionData", "xnat:petSessionData", "xnat:ctSessionData"],
        "maxFailedLogins": 20,
        "maxFailedLoginsLockoutDuration": "1 hour",
        "maxNumberOfSessionsForJobsWithSharedData": 100000,
        "passwordComplexity": "^.*$",
        "passwordComplexityMessage": "Password is not sufficiently complex.",
        "passwordExpirationInterval": "1 year",
        "passwordExpirationType": "Interval",
        "passwordHistoryDuration": "1 year",
        "passwordReuseRestriction": "None",
        "primaryAdminUsername": "admin",
        "receivedFileUser": "admin",
        "resetFailedLoginsSchedule": "0 0 * * * *",
        "securityChannel": "any",
        "securityLastModifiedInterval": 1,
        "securityMaxLoginInterval": 1,
        "sessionArchiveTimeoutInterval": 600,
        "sessionTimeout": "15 minutes",
        "sessionTimeoutMessage": "Session timed out at TIMEOUT_TIME.",
        "sessionXmlRebuilderInterval": 5,
        "sessionXmlRebuilderRepeat": 60000,
        "siteDescriptionPage": "/screens/site_description.vm",
        "siteDescriptionText": "A practice XNAT.",
        "siteDescriptionType": "Text",
        "siteHome": "/screens/QuickSearch.vm",
        "siteHomeLayout": "/Index.vm",
        "siteId": "XNAT",
        "siteLandingLayout": "/Index.vm",
        "siteLoginLanding": "/screens/QuickSearch.vm",
        "siteLogoPath": "/images/logo.png",
        "siteWideAlertStatus": 0,
        "siteWideAlertType": "message",
        "sitewideSeriesImportFilterMode": "blacklist",
        "uiDateFormat": "yyyy-MM-dd",
        "uiDateTimeFormat": "yyyy-MM-dd HH:mm:ss",
        "uiDateTimeSecondsFormat": "MM/dd/yyyy HH:mm:ss.SSS",
        "uiDefaultCompressedUploaderImporter": "DICOM-zip",
        "uiLoginFailureMessage": "Login failed: user name and password do not belong together, or the account is"
        " disabled, locked or has too many sessions. It is locked after %d failed attempts.",
        "uiTimeFormat": "HH:mm:ss",
        "zipCompressionMethod": 0,
        "zipExtensions": "zip,jar,rar,ear,gar,mrb",
    }
)

#: What anyone may read, logged in or not.
PUBLIC = frozenset({"siteHome", "siteId", "siteLogoPath", "siteUrl"})

#: What everyone may read who is logged in. All other settings, also unknown ones, are for administrators.
AUTHENTICATED = PUBLIC | _names(
    "checksums defaultProjectAutoArchiveSetting dicomFileNameTemplate displayHostName enableDicomReceiver"
    " enableSitewideAnonymizationScript enableSitewideSeriesImportFilter failMergeOn processingUrl"
    " projectAllowAutoArchive scanTypeMapping sessionXmlRebuilderInterval sessionXmlRebuilderRepeat"
    " siteDescriptionPage siteDescriptionText siteDescriptionType siteHomeLayout siteLandingLayout siteLoginLanding"
    " siteWideAlertMessage siteWideAlertStatus siteWideAlertType sitewideAnonymizationScript sitewidePetMr"
    " sitewidePetTracers sitewideSeriesImportFilter sitewideSeriesImportFilterMode uiAllowAdvancedSearch"
    " uiAllowBlockedSubjectAssessorView uiAllowMoreProjectInvestigators uiAllowNewUserComments"
    " uiAllowNonAdminProjectCreation uiAllowPetTracerConfiguration uiAllowProjectDelete uiAllowQuarantine"
    " uiAllowScanAddition uiAllowScanTypeModification uiAllowSubjectCreateFromExptEdit uiDateFormat"
    " uiDateTimeFormat uiDateTimeSecondsFormat uiDebugExtensionPoints uiDefaultCompressedUploaderImporter"
    " uiDisplayScanModality uiDisplaySeriesClass uiDisplaySeriesDescription uiExptAllowLabelChange"
    " uiExptAllowProjectChange uiExptAllowSubjectChange uiHideCompressedUploaderUploadOption"
    " uiHideDesktopClientDownload uiHideXnatUploadAssistantDownload uiLoginFailureMessage"
    " uiPrearchiveHideArchiveBtn uiShowLeftBar uiShowLeftBarBrowse uiShowLeftBarFavorites uiShowLeftBarProjects"
    " uiShowLeftBarSearch uiShowManageFiles uiShowPrearchiveFileActions uiShowProjectManageFiles"
    " uiShowRecentExptListDate uiShowRecentExptListScannerName uiShowScanTypeMapping uiTimeFormat"
    " zipExtensions"
)

#: Settings that must be an interval such as `15 minutes`, because the server reckons with them.
DURATIONS = frozenset(
    {"aliasTokenTimeout", "maxFailedLoginsLockoutDuration", "passwordExpirationInterval", "sessionTimeout"}
)

#: Without these a site that has a prefs-init.ini starts uninitialised, whatever the file says of `initialized`.
NEEDED_TO_START = frozenset(
    {"siteId", "siteUrl", "adminEmail", "archivePath", "prearchivePath", "cachePath", "buildPath", "ftpPath"}
)

"""The tables of the MSI, as rows: what Windows Installer does with a folder of files.

The names are those of the Windows Installer SDK. Numbers in sequences are the SDK's suggested ones.
"""

import re
import struct
import time
import tomllib
import uuid
from pathlib import Path

# They identify kubekey for ever.
UPGRADE_CODE = "{75C6B0A6-4F0C-5B0E-9E6B-6D2C3B7D8A11}"
NAMESPACE = uuid.UUID(UPGRADE_CODE)

# Public properties: what an administrator answers, and the value below KEY that 'kubekey setup --system' reads.
ANSWERS = {name.upper(): name for name in ("issuer_url", "client_id", "issuer_certificate_authority", "cluster", "server",
                                           "certificate_authority", "answers")}
KEY = r"Software\kubekey\Setup"
LOCAL_MACHINE = 2

# msidbComponentAttributes: a value below a key, evaluated again at each installation, in the 64-bit registry.
REGISTRY_KEY_PATH, TRANSITIVE, X64 = 4, 64, 256
COMPRESSED_VITAL = 16384 + 512
# msidbCustomActionType: a program of the product (or of a folder), as the system, in the script; its failure is logged.
INSTALLED_PROGRAM, PROGRAM_IN_FOLDER, SET_PROPERTY, ERROR = 18, 34, 51, 19
IN_SCRIPT_AS_SYSTEM, CONTINUE = 1024 + 2048, 64
# msidbUpgradeAttributes.
MIGRATE_FEATURES, ONLY_DETECT, MAX_INCLUSIVE = 1, 2, 512

# cmd, because the installer does not keep what a program prints.
GENERATE = (
    r'"[System64Folder]cmd.exe" /d /s /c ""[#{exe}]" setup --system --from-registry >"[INSTALLDIR]setup.log" 2>&1"'
)


def code(text):
    """A GUID that depends on nothing else, so that the same commit has the same MSI."""
    return "{%s}" % str(uuid.uuid5(NAMESPACE, text)).upper()


def key(prefix, path):
    """A key of at most 72 characters for a path."""
    return f"{prefix}_{uuid.uuid5(NAMESPACE, path).hex[:12]}_{re.sub(r'[^A-Za-z0-9_.]', '_', path)[-40:]}"


def short_name(letter, number, path):
    """A name of 8.3 characters, which volumes without long names need."""
    suffix = re.sub("[^A-Z0-9]", "", Path(path).suffix.upper())[:3]
    return f"{letter}{number:07}" + (f".{suffix}" if suffix else "")


def product_version(version):
    """Windows Installer knows numbers only: 1.0.0-rc.1 and 1.0.0 are the same to it, and either replaces the other."""
    return version.split("-")[0]


def file_version(program):
    """The version in the resources of a program, as Explorer shows it: VS_FIXEDFILEINFO."""
    data = program.read_bytes()
    most, least = struct.unpack_from("<II", data, data.index(b"\xbd\x04\xef\xfe") + 8)
    return f"{most >> 16}.{most & 0xffff}.{least >> 16}.{least & 0xffff}"


class Folder:
    """The files to install, and what their tables need."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
        folders = {parent.as_posix() for file in self.files for parent in Path(file).parents} - {"."}
        self.folders = sorted(folders)

    def directory(self, path):
        return "INSTALLDIR" if path == "." else key("D", path)

    def parent(self, path):
        return self.directory(Path(path).parent.as_posix())

    def size(self, file):
        return (self.root / file).stat().st_size


def tables(folder, version):
    """Every table: name -> (columns, types, keys, rows)."""
    return dict([
        *files(folder),
        *registry(),
        *actions(),
        *sequences(),
        properties(version),
        ("Upgrade", ("UpgradeCode VersionMin VersionMax Language Attributes Remove ActionProperty",
                     "s38 S20 S20 S255 i4 S255 s72", "UpgradeCode VersionMin VersionMax Language Attributes", [
            (UPGRADE_CODE, "", product_version(version), "", MIGRATE_FEATURES + MAX_INCLUSIVE, "", "OLDER_VERSION"),
            (UPGRADE_CODE, product_version(version), "", "", ONLY_DETECT, "", "NEWER_VERSION"),
        ])),
    ])


def files(folder):
    exe = key("F", "kubekey.exe")
    directories = [("TARGETDIR", "", "SourceDir"), ("ProgramFiles64Folder", "TARGETDIR", "."),
                   ("System64Folder", "TARGETDIR", "."), ("INSTALLDIR", "ProgramFiles64Folder", "kubekey")]
    directories += [(folder.directory(path), folder.parent(path), f"{short_name('D', number, '')}|{Path(path).name}")
                    for number, path in enumerate(folder.folders)]
    yield "Directory", ("Directory Directory_Parent DefaultDir", "s72 S72 l255", "Directory", directories)
    yield "Feature", ("Feature Feature_Parent Title Description Display Level Directory_ Attributes",
                      "s38 S38 L64 L255 I2 i2 S72 i2", "Feature", [("kubekey", "", "kubekey", "", 1, 1, "INSTALLDIR", 0)])
    components = [(key("C", file), code(f"file {file}"), folder.parent(file), X64, "", key("F", file)) for file in folder.files]
    components += [(f"Answer{name}", code(f"answer {name}"), "INSTALLDIR", X64 | TRANSITIVE | REGISTRY_KEY_PATH, name, f"R_{name}")
                   for name in ANSWERS]
    yield "Component", ("Component ComponentId Directory_ Attributes Condition KeyPath", "s72 S38 s72 i2 S255 S72", "Component", components)
    yield "FeatureComponents", ("Feature_ Component_", "s38 s72", "Feature_ Component_", [("kubekey", row[0]) for row in components])
    rows = [(key("F", file), key("C", file), f"{short_name('F', number, file)}|{Path(file).name}", folder.size(file),
             *((file_version(folder.root / file), "1033") if file.endswith(".exe") else ("", "")), COMPRESSED_VITAL, number)
            for number, file in enumerate(folder.files, start=1)]
    yield "File", ("File Component_ FileName FileSize Version Language Attributes Sequence", "s72 s72 l255 i4 S72 S20 I2 i4", "File", rows)
    yield "Media", ("DiskId LastSequence DiskPrompt Cabinet VolumeLabel Source", "i2 i4 L64 S255 S32 S72", "DiskId",
                    [(1, len(rows), "", "#files.cab", "", "")])
    yield "RemoveFile", ("FileKey Component_ FileName DirProperty InstallMode", "s72 s72 L255 s72 i2", "FileKey",
                         [("Log", key("C", "kubekey.exe"), "setup.log", "INSTALLDIR", 2)])
    # The machine's PATH: '=' sets, '-' removes at the end, '*' is the machine.
    yield "Environment", ("Environment Name Value Component_", "s72 l255 L255 s72", "Environment",
                          [("Path", "=-*PATH", "[~];[INSTALLDIR]", key("C", "kubekey.exe"))])
    yield "Icon", ("Name Data", "s72 v0", "Name", [("kubekey.ico", "Icon.kubekey.ico")])


def registry():
    yield "Registry", ("Registry Root Key Name Value Component_", "s72 i2 l255 L255 L0 s72", "Registry",
                       [(f"R_{name}", LOCAL_MACHINE, KEY, value, f"[{name}]", f"Answer{name}") for name, value in ANSWERS.items()])
    # An upgrade without a property finds the old value.
    yield "AppSearch", ("Property Signature_", "s72 s72", "Property Signature_", [(f"OLD_{name}", f"Old{name}") for name in ANSWERS])
    yield "RegLocator", ("Signature_ Root Key Name Type", "s72 i2 s255 S255 I2", "Signature_",
                         [(f"Old{name}", LOCAL_MACHINE, KEY, value, 2 + 16) for name, value in ANSWERS.items()])


def actions():
    exe = key("F", "kubekey.exe")
    rows = [(f"Keep{name}", SET_PROPERTY, name, f"[OLD_{name}]") for name in ANSWERS]
    rows += [
        ("NameFolder", SET_PROPERTY, "ARPINSTALLLOCATION", "[INSTALLDIR]"),
        ("RefuseDowngrade", ERROR, "", "A newer version of kubekey is installed. Remove it first, if you want this one."),
        ("Generate", PROGRAM_IN_FOLDER + IN_SCRIPT_AS_SYSTEM + CONTINUE, "INSTALLDIR", GENERATE.format(exe=exe)),
        ("RemoveGenerated", INSTALLED_PROGRAM + IN_SCRIPT_AS_SYSTEM + CONTINUE, exe, "setup --system --remove"),
    ]
    yield "CustomAction", ("Action Type Source Target", "s72 i2 S72 S255", "Action", rows)


def sequences():
    rows = [
        ("FindRelatedProducts", "", 25),
        ("RefuseDowngrade", "NEWER_VERSION", 26),
        ("AppSearch", "", 50),
        *((f"Keep{name}", f"OLD_{name} AND NOT {name}", 51 + number) for number, name in enumerate(ANSWERS)),
        ("LaunchConditions", "", 100),
        ("ValidateProductID", "", 700),
        ("CostInitialize", "", 800),
        ("FileCost", "", 900),
        ("CostFinalize", "", 1000),
        ("NameFolder", "", 1001),
        ("MigrateFeatureStates", "", 1200),
        ("InstallValidate", "", 1400),
        ("InstallInitialize", "", 1500),
        # Before the new files, so that the old product's rows do not remove them, and undone with the rest.
        ("RemoveExistingProducts", "", 1510),
        ("ProcessComponents", "", 1600),
        ("UnpublishFeatures", "", 1800),
        ("RemoveGenerated", 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 2500),
        ("RemoveRegistryValues", "", 2600),
        ("RemoveEnvironmentStrings", "", 3300),
        ("RemoveFiles", "", 3500),
        ("RemoveFolders", "", 3600),
        ("CreateFolders", "", 3700),
        ("InstallFiles", "", 4000),
        ("WriteRegistryValues", "", 5000),
        ("WriteEnvironmentStrings", "", 5200),
        ("Generate", 'NOT REMOVE="ALL"', 5300),
        ("RegisterUser", "", 6000),
        ("RegisterProduct", "", 6100),
        ("PublishFeatures", "", 6300),
        ("PublishProduct", "", 6400),
        ("InstallFinalize", "", 6600),
    ]
    yield "InstallExecuteSequence", ("Action Condition Sequence", "s72 S255 I2", "Action", rows)
    # 'msiexec /a' unpacks the files.
    unpack = {"CostInitialize", "FileCost", "CostFinalize", "InstallValidate", "InstallInitialize", "InstallFiles", "InstallFinalize"}
    unpack_rows = [row for row in rows if row[0] in unpack]
    yield "AdminExecuteSequence", ("Action Condition Sequence", "s72 S255 I2", "Action", unpack_rows + [("InstallAdminPackage", "", 3900)])
    # A package that a group policy assigns is only announced at first.
    announce = {"CostInitialize", "CostFinalize", "InstallValidate", "InstallInitialize", "PublishFeatures", "PublishProduct", "InstallFinalize"}
    yield "AdvtExecuteSequence", ("Action Condition Sequence", "s72 S255 I2", "Action", [row for row in rows if row[0] in announce])
    # Of a dialog only the progress remains, for which no table is needed; the searches run before it.
    yield "InstallUISequence", ("Action Condition Sequence", "s72 S255 I2", "Action",
                                [("CostInitialize", "", 800), ("FileCost", "", 900), ("CostFinalize", "", 1000), ("ExecuteAction", "", 1300)])


def properties(version):
    publisher = tomllib.loads(Path("packaging/publisher.toml").read_text())
    # Not INSTALLDIR: a user who may install a published package must not choose what the system runs.
    secure = [*ANSWERS, "OLDER_VERSION", "NEWER_VERSION"]
    return "Property", ("Property Value", "s72 l0", "Property", [
        ("ALLUSERS", "1"),
        ("ARPCONTACT", publisher["maintainer"]),
        ("ARPHELPLINK", publisher["homepage"]),
        ("ARPNOMODIFY", "1"),
        ("ARPPRODUCTICON", "kubekey.ico"),
        ("ARPURLINFOABOUT", publisher["homepage"]),
        ("Manufacturer", publisher["maintainer"].split(" <")[0]),
        ("ProductCode", code(f"product {version}")),
        ("ProductLanguage", "1033"),
        ("ProductName", "kubekey"),
        ("ProductVersion", product_version(version)),
        ("SecureCustomProperties", ";".join(sorted(secure))),
        ("UpgradeCode", UPGRADE_CODE),
    ])


def summary(version, content, now):
    """What Windows Explorer shows, and that this is a 64-bit package with long names in cabinets."""
    date = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now))
    rows = [(2, "kubekey"), (3, f"kubekey {version}"), (4, "kubekey"), (7, "x64;1033"), (9, code(f"package {content}")),
            (12, date), (13, date), (14, 500), (15, 2), (18, "packaging/msi"), (19, 2)]
    return "PropertyId Value", "i2 l255", "PropertyId", rows

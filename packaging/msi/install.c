/* Installs an MSI with properties, exactly as given: install.exe MSI FILE-WITH-PROPERTIES. The msiexec of wine loses quotes. */
#include <stdio.h>
#include <windows.h>
#include <msi.h>

int main(int count, char **arguments) {
    char properties[1024] = "";
    FILE *file = count == 3 ? fopen(arguments[2], "rb") : NULL;
    if (!file || !fgets(properties, sizeof properties, file)) return 2;
    MsiSetInternalUI(INSTALLUILEVEL_NONE, NULL);
    return MsiInstallProductA(arguments[1], properties);
}

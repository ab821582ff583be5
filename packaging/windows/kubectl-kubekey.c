/*
 * kubectl-kubekey.exe: runs the kubekey.exe beside it with the same arguments, so that 'kubectl kubekey' works. A .cmd file cannot do
 * this: cmd replaces %NAME% in arguments, and runs what follows an '&' in one. It has no C runtime, so that it is small.
 */
#include <windows.h>

/* The length of the longest path and of the longest command line of Windows. */
#define LONGEST 32768

static wchar_t program[LONGEST + ARRAYSIZE(L"kubekey.exe")], line[ARRAYSIZE(program) + LONGEST];
static STARTUPINFOW startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
static PROCESS_INFORMATION process;

/* Ctrl-C reaches kubekey as well, which decides what it does. */
static BOOL WINAPI stay(DWORD event) {
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

/* What follows the program's name, which ends at the first space outside quotes. */
static const wchar_t *arguments(const wchar_t *all) {
    BOOL quoted = FALSE;
    for (; *all && (quoted || (*all != ' ' && *all != '\t')); all++)
        quoted ^= *all == '"';
    return all;
}

static void name_program(void) {
    DWORD end = GetModuleFileNameW(NULL, program, LONGEST);
    while (end > 0 && program[end - 1] != '\\')
        end--;
    lstrcpyW(program + end, L"kubekey.exe");
    lstrcpyW(line, L"\"");
    lstrcatW(line, program);
    lstrcatW(line, L"\"");
    lstrcatW(line, arguments(GetCommandLineW()));
}

void start(void) {
    static const char failure[] = "kubectl-kubekey: kubekey.exe in the same folder cannot be run\r\nhint: install kubekey again\r\n";
    DWORD code = 1;
    name_program();
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    SetConsoleCtrlHandler(stay, TRUE);
    if (CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &code);
    } else {
        DWORD written;
        WriteFile(startup.hStdError, failure, sizeof failure - 1, &written, NULL);
    }
    ExitProcess(code);
}

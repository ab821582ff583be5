@echo off
rem Installs kubekey for all users of this machine, or upgrades it: the install command of an app in Intune, or a startup
rem script of Group Policy. Put the MSI beside it and your settings into the line with msiexec. If there is also a file
rem answers.toml, a config.toml with all settings, it is applied each time this runs: at each start of the machine, but by
rem Intune only until its detection rule matches. The exit code is that of msiexec: intune.md has a rule for the settings.
setlocal
set version=0.2.0
set program=%ProgramFiles%\kubekey\kubekey.exe
rem Intune runs scripts as 32-bit programs, whose ProgramFiles is another folder.
if defined ProgramW6432 set program=%ProgramW6432%\kubekey\kubekey.exe
set log=%SystemRoot%\Temp\kubekey

set installed=none
for /f "tokens=2" %%v in ('call "%program%" --version 2^>nul') do set installed=%%v
if "%installed%"=="v%version%" goto settings
msiexec /i "%~dp0kubekey-%version%-x64.msi" /qn /norestart /l*v "%log%-msi.log" ISSUER_URL=https://login.example.com CLIENT_ID=kubernetes CLUSTER=prod SERVER=https://k8s.example.com:6443
set code=%errorlevel%
if not exist "%program%" exit /b %code%

:settings
if not defined code set code=0
if exist "%~dp0answers.toml" call "%program%" setup --system --answers "%~dp0answers.toml" >"%log%-settings.log" 2>&1
exit /b %code%

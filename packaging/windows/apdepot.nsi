; makensis -DVERSION=... -DFILES=FOLDER -DOUT=FILE.exe apdepot.nsi. FOLDER holds apdepot.exe, README.txt and LICENSE.txt.
; Silent: setup.exe /S, uninstall.exe /S; another folder: /D=C:\folder as the last word.
; Exit status: 0 installed and running; 5 a file is in use, nothing is changed; 3 no service could be made; 6 the service
; is installed and does not start: the event log says why.
Unicode true
Target amd64-unicode
SetCompressor /SOLID lzma
Name "apdepot ${VERSION}"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\apdepot"
RequestExecutionLevel admin
ShowInstDetails show
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "apdepot"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installs apdepot, the image server of access points"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"
!include "LogicLib.nsh"
!include "x64.nsh"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\apdepot"
Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

!macro UseWholeHost
  SetShellVarContext all ; $APPDATA is ProgramData
  SetRegView 64
!macroend

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_OK|MB_ICONSTOP "apdepot needs a 64-bit Windows." /SD IDOK
    SetErrorLevel 2
    Abort
  ${EndIf}
  !insertmacro UseWholeHost
  ; An upgrade stays where the program is.
  ReadRegStr $0 HKLM "${UNINSTALL}" "InstallLocation"
  ${If} $0 != ""
    StrCpy $INSTDIR $0
  ${EndIf}
FunctionEnd

Section
  SetOutPath "$INSTDIR"
  ; Waits until the transfers have ended, "drain" seconds at most.
  ${If} ${FileExists} "$INSTDIR\apdepot.exe"
    DetailPrint "Waiting for the transfers that run..."
    nsExec::ExecToLog '"$INSTDIR\apdepot.exe" service stop'
    Pop $0
  ${EndIf}
  SetOverwrite try
  ClearErrors
  File "${FILES}\apdepot.exe"
  ${If} ${Errors}
    MessageBox MB_OK|MB_ICONSTOP "$INSTDIR\apdepot.exe is in use: close apdepot, and run this again." /SD IDOK
    SetErrorLevel 5
    Abort "apdepot.exe is in use"
  ${EndIf}
  SetOverwrite on
  File "${FILES}\README.txt"
  File "${FILES}\LICENSE.txt"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayName" "apdepot"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL}" "Publisher" "apdepot"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayIcon" "$INSTDIR\apdepot.exe"
  WriteRegStr HKLM "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL}" "NoRepair" 1

  CreateDirectory "$SMPROGRAMS\apdepot"
  WriteINIStr "$SMPROGRAMS\apdepot\Status page.url" "InternetShortcut" "URL" "http://127.0.0.1:8069/"
  CreateShortcut "$SMPROGRAMS\apdepot\Drop folder.lnk" "$WINDIR\explorer.exe" '"$APPDATA\apdepot\drop"'
  CreateShortcut "$SMPROGRAMS\apdepot\Log.lnk" "$SYSDIR\WindowsPowerShell\v1.0\powershell.exe" \
    '-NoExit -Command "Get-WinEvent -ProviderName apdepot -MaxEvents 500 | Sort-Object TimeCreated | Format-Table -Wrap TimeCreated, Message"'

  nsExec::ExecToLog '"$INSTDIR\apdepot.exe" service install'
  Pop $0
  ${If} $0 != 0
    MessageBox MB_OK|MB_ICONSTOP "The service apdepot could not be made; the details say why." /SD IDOK
    SetErrorLevel 3
    Abort "the service apdepot could not be made"
  ${EndIf}
  nsExec::ExecToLog '"$INSTDIR\apdepot.exe" service start'
  Pop $0
  ${If} $0 != 0
    MessageBox MB_OK|MB_ICONEXCLAMATION "apdepot is installed, but its service has not started; the event log says why. Often another TFTP or SSH server has the port." /SD IDOK
    SetErrorLevel 6
  ${EndIf}
SectionEnd

Function un.onInit
  !insertmacro UseWholeHost
FunctionEnd

Section "Uninstall"
  nsExec::ExecToLog '"$INSTDIR\apdepot.exe" service remove'
  Pop $0
  Delete "$SMPROGRAMS\apdepot\Status page.url"
  Delete "$SMPROGRAMS\apdepot\Drop folder.lnk"
  Delete "$SMPROGRAMS\apdepot\Log.lnk"
  RMDir "$SMPROGRAMS\apdepot"
  Delete "$INSTDIR\apdepot.exe"
  Delete "$INSTDIR\README.txt"
  Delete "$INSTDIR\LICENSE.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "${UNINSTALL}"
  DetailPrint "The depot $APPDATA\apdepot is kept, with images, users, host keys and configuration: delete it if nobody needs them."
SectionEnd

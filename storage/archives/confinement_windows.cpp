#include "storage/archives/confinement.hpp"

#include <memory>
#include <vector>

#include "storage/files/nt_windows.hpp"

namespace storage {
namespace {

void check(BOOL done, const char* what) {
  if (!done) throw std::system_error(last_error(), what);
}

// A job inside the one that the parent has it in. Nobody can change it: this process forgets the handle, and
// there is no name.
void limit(std::uint64_t memory) {
  const HANDLE made = ::CreateJobObjectW(nullptr, nullptr);
  check(made != nullptr, "cannot make a job");
  const Handle job = owned(made);
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_ACTIVE_PROCESS |
                                            JOB_OBJECT_LIMIT_PROCESS_MEMORY |
                                            JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
  limits.BasicLimitInformation.ActiveProcessLimit = 1;
  limits.ProcessMemoryLimit = static_cast<SIZE_T>(memory);
  check(::SetInformationJobObject(made, JobObjectExtendedLimitInformation, &limits, sizeof limits),
        "a limit cannot be set");
  check(::AssignProcessToJobObject(made, ::GetCurrentProcess()), "a limit cannot be entered");
}

template <class Policy>
void enter(PROCESS_MITIGATION_POLICY which, const Policy& policy) {
  auto wanted = policy;
  ::SetProcessMitigationPolicy(which, &wanted, sizeof wanted);
}

// As far as this Windows has them: each makes a fault in a decoder harder to use, and none is relied upon.
void enter_policies() {
  PROCESS_MITIGATION_DYNAMIC_CODE_POLICY code{};
  code.ProhibitDynamicCode = 1;
  enter(ProcessDynamicCodePolicy, code);
  PROCESS_MITIGATION_BINARY_SIGNATURE_POLICY signature{};
  signature.MicrosoftSignedOnly = 1;
  enter(ProcessSignaturePolicy, signature);
  PROCESS_MITIGATION_IMAGE_LOAD_POLICY images{};
  images.NoRemoteImages = 1;
  images.NoLowMandatoryLabelImages = 1;
  enter(ProcessImageLoadPolicy, images);
  PROCESS_MITIGATION_CHILD_PROCESS_POLICY children{};
  children.NoChildProcessCreation = 1;
  enter(ProcessChildProcessPolicy, children);
  PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY extensions{};
  extensions.DisableExtensionPoints = 1;
  enter(ProcessExtensionPointDisablePolicy, extensions);
}

void remove_privileges(HANDLE token) {
  DWORD size = 0;
  ::GetTokenInformation(token, TokenPrivileges, nullptr, 0, &size);
  std::vector<std::byte> bytes(size);
  check(::GetTokenInformation(token, TokenPrivileges, bytes.data(), size, &size),
        "privileges cannot be read");
  auto* const all = reinterpret_cast<TOKEN_PRIVILEGES*>(bytes.data());
  for (DWORD i = 0; i < all->PrivilegeCount; ++i) all->Privileges[i].Attributes = SE_PRIVILEGE_REMOVED;
  check(::AdjustTokenPrivileges(token, FALSE, all, 0, nullptr, nullptr), "privileges cannot be given up");
}

// Nobody trusts an untrusted process: it writes to nothing that does not say so, and opens no other process.
void lower_integrity(HANDLE token) {
  SID_IDENTIFIER_AUTHORITY authority{SECURITY_MANDATORY_LABEL_AUTHORITY};
  SID untrusted{SID_REVISION, 1, authority, {SECURITY_MANDATORY_UNTRUSTED_RID}};
  TOKEN_MANDATORY_LABEL label{{&untrusted, SE_GROUP_INTEGRITY}};
  check(::SetTokenInformation(token, TokenIntegrityLevel, &label, sizeof label + sizeof untrusted),
        "the integrity level cannot be lowered");
}

void give_up_token() {
  HANDLE opened = nullptr;
  check(::OpenProcessToken(::GetCurrentProcess(),
                           TOKEN_QUERY | TOKEN_ADJUST_DEFAULT | TOKEN_ADJUST_PRIVILEGES, &opened),
        "the token cannot be opened");
  const Handle token = owned(opened);
  remove_privileges(opened);
  lower_integrity(opened);
}

}  // namespace

const char* const unconfined_advice =
    "archives are not read, because the process that reads them cannot give up its rights; let the account "
    "that runs apdepot make job objects and lower its own token, or exempt apdepot.exe in the program that "
    "keeps it from that (antivirus, application control)";

void confine_reader(std::uint64_t memory) {
  // A fault in here is for nobody's desktop.
  ::SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
  limit(memory);
  enter_policies();
  give_up_token();
  // Until here the only thread had the rights of the parent; from here on it has those of the process's
  // token.
  check(::RevertToSelf(), "the rights of the parent cannot be given up");
}

}  // namespace storage

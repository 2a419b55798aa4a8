#include <aclapi.h>
#include <fmt/format.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "server/os/identity.hpp"
#include "server/os/wide.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

struct Freed {
  void operator()(void* memory) const { ::LocalFree(memory); }
};

// The last part of a SID tells two accounts of a host apart as a uid does. It is never 0 here, for nobody is
// root on Windows: no account can become another, and an administrator's console keeps its rights.
std::uint32_t number_of(PSID sid) {
  const auto number = *::GetSidSubAuthority(sid, *::GetSidSubAuthorityCount(sid) - 1U);
  return number == 0 ? 1 : number;
}

// An account that was removed has its number only.
std::string name_of(PSID sid) {
  std::wstring name(256, L'\0'), domain(256, L'\0');
  auto name_size = static_cast<DWORD>(name.size()), domain_size = static_cast<DWORD>(domain.size());
  SID_NAME_USE use{};
  if (!::LookupAccountSidW(nullptr, sid, name.data(), &name_size, domain.data(), &domain_size, &use))
    return fmt::format("{}", number_of(sid));
  name.resize(name_size);
  domain.resize(domain_size);
  return narrow(domain.empty() ? name : domain + L"\\" + name);
}

Account account_of(PSID owner, PSID group) {
  return {name_of(owner), number_of(owner), group ? number_of(group) : 0};
}

KernelHandle own_token(DWORD access) {
  HANDLE token = nullptr;
  if (!::OpenProcessToken(::GetCurrentProcess(), access, &token))
    fail(::GetLastError(), "cannot ask who runs this");
  return KernelHandle(token);
}

std::vector<std::byte> of_token(HANDLE token, TOKEN_INFORMATION_CLASS what) {
  DWORD size = 0;
  ::GetTokenInformation(token, what, nullptr, 0, &size);
  std::vector<std::byte> info(size);
  if (!::GetTokenInformation(token, what, info.data(), size, &size))
    fail(::GetLastError(), "cannot ask who runs this");
  return info;
}

// Every process has it: without it, each folder on a path would be asked for its rights.
bool is_needed(const LUID& privilege) {
  LUID traverse{};
  ::LookupPrivilegeValueW(nullptr, L"SeChangeNotifyPrivilege", &traverse);
  return privilege.LowPart == traverse.LowPart && privilege.HighPart == traverse.HighPart;
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  std::array<std::byte, SECURITY_MAX_SID_SIZE> sid{};
  std::wstring domain(256, L'\0');
  SID_NAME_USE use{};
  // "apdepot" alone would name a user of that name; the service's own account is NT SERVICE\apdepot.
  for (const auto& each : {name, "NT SERVICE\\" + name}) {
    auto size = static_cast<DWORD>(sid.size()), domain_size = static_cast<DWORD>(domain.size());
    if (name.empty() || !::LookupAccountNameW(nullptr, wide(each).c_str(), sid.data(), &size, domain.data(),
                                              &domain_size, &use))
      continue;
    if (use == SidTypeUser || use == SidTypeWellKnownGroup)
      return Account{each, number_of(sid.data()), number_of(sid.data())};
  }
  return std::nullopt;
}

std::optional<Account> owner_of(const std::filesystem::path& directory) {
  PSID owner = nullptr, group = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  const auto error = ::GetNamedSecurityInfoW(directory.c_str(), SE_FILE_OBJECT,
                                             OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION, &owner,
                                             &group, nullptr, nullptr, &descriptor);
  const std::unique_ptr<void, Freed> freed(descriptor);
  if (error != ERROR_SUCCESS || !owner) return std::nullopt;
  return account_of(owner, group);
}

// Only root is asked to beware of others, and nobody is root here.
std::optional<std::filesystem::path> others_may_change(const std::filesystem::path&) { return {}; }

std::optional<Account> server_account(const std::filesystem::path&) {
  if (auto service = find_account("NT SERVICE\\apdepot")) return service;
  return own_account();
}

Account own_account() {
  const auto token = own_token(TOKEN_QUERY);
  const auto user = of_token(token.get(), TokenUser), group = of_token(token.get(), TokenPrimaryGroup);
  return account_of(reinterpret_cast<const TOKEN_USER*>(user.data())->User.Sid,
                    reinterpret_cast<const TOKEN_PRIMARY_GROUP*>(group.data())->PrimaryGroup);
}

void expect_of_administrator(const std::filesystem::path& config) {
  PSID owner = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  const auto error = ::GetNamedSecurityInfoW(config.c_str(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION,
                                             &owner, nullptr, nullptr, nullptr, &descriptor);
  const std::unique_ptr<void, Freed> freed(descriptor);
  const auto user = of_token(own_token(TOKEN_QUERY).get(), TokenUser);
  if (error == ERROR_SUCCESS && owner &&
      (::IsWellKnownSid(owner, WinBuiltinAdministratorsSid) || ::IsWellKnownSid(owner, WinLocalSystemSid) ||
       ::EqualSid(owner, reinterpret_cast<const TOKEN_USER*>(user.data())->User.Sid)))
    return;
  throw std::runtime_error(
      fmt::format("{} belongs neither to an administrator nor to you, and is not used: look at it, and "
                  "remove it or name it "
                  "by --config",
                  storage::utf8_of(config)));
}

void become(const Account& account) {
  fail(ERROR_NOT_SUPPORTED,
       fmt::format("Windows lets no process become {}: the Service Control Manager starts the service as its "
                   "account (`apdepot service install`)",
                   account.name));
}

// Removes them from the token, so that neither this process nor what it starts can take files by backup or
// ownership, load a driver or look into other processes, even where an administrator started it.
void give_up_capabilities() {
  const auto token = own_token(TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES);
  auto info = of_token(token.get(), TokenPrivileges);
  auto* const held = reinterpret_cast<TOKEN_PRIVILEGES*>(info.data());
  for (DWORD i = 0; i < held->PrivilegeCount; ++i) {
    auto& each = held->Privileges[i];
    if (!is_needed(each.Luid)) each.Attributes = SE_PRIVILEGE_REMOVED;
  }
  if (!::AdjustTokenPrivileges(token.get(), FALSE, held, 0, nullptr, nullptr))
    fail(::GetLastError(), "cannot give up privileges");
}

// Its rights are those of the folder that it is made in; `apdepot service install` sets them.
void make_directory_of(const Account&, const std::filesystem::path& directory) {
  storage::make_directories(directory, 0755);
}

// Nobody is root here, and what an administrator makes in a folder of secrets is the service's to read by
// what the folder passes on.
void make_file_of(const Account&, const std::filesystem::path&) {}

bool may_read(const Account& account, const std::filesystem::path& file) {
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  const auto error = ::GetNamedSecurityInfoW(file.c_str(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr,
                                             nullptr, &list, nullptr, &descriptor);
  const std::unique_ptr<void, Freed> freed(descriptor);
  if (error != ERROR_SUCCESS || !list) return true;
  auto name = wide(account.name);
  TRUSTEE_W trustee{};
  ::BuildTrusteeWithNameW(&trustee, name.data());
  ACCESS_MASK rights = 0;
  return ::GetEffectiveRightsFromAclW(list, &trustee, &rights) != ERROR_SUCCESS ||
         (rights & FILE_READ_DATA) != 0;
}

}  // namespace server

#include "storage/files/privacy.hpp"

#include <windows.h>
// After windows.h.
#include <aclapi.h>
#include <fmt/format.h>
#include <sddl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "storage/files/path_text.hpp"
#include "storage/files/privacy_windows.hpp"

namespace storage {
namespace {

using Sid = std::array<std::byte, SECURITY_MAX_SID_SIZE>;

struct Freed {
  void operator()(void* memory) const { ::LocalFree(memory); }
};

PSID raw(Sid& sid) { return sid.data(); }

Sid known(WELL_KNOWN_SID_TYPE type) {
  Sid sid{};
  auto size = static_cast<DWORD>(sid.size());
  ::CreateWellKnownSid(type, nullptr, sid.data(), &size);
  return sid;
}

// NT SERVICE\apdepot, whose number is the same on every host, whether there is such a service or not
// (`sc showsid apdepot`).
Sid of_service() {
  Sid sid{};
  PSID parsed = nullptr;
  if (!::ConvertStringSidToSidW(L"S-1-5-80-1875944996-2314027918-3532287419-1062229654-1382396166", &parsed))
    return sid;
  ::CopySid(static_cast<DWORD>(sid.size()), sid.data(), parsed);
  ::LocalFree(parsed);
  return sid;
}

Sid of_process() {
  Sid sid{};
  HANDLE token = nullptr;
  if (!::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &token)) return sid;
  alignas(TOKEN_USER) std::array<std::byte, sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE> info{};
  DWORD size = 0;
  if (::GetTokenInformation(token, TokenUser, info.data(), static_cast<DWORD>(info.size()), &size))
    ::CopySid(static_cast<DWORD>(sid.size()), sid.data(),
              reinterpret_cast<const TOKEN_USER*>(info.data())->User.Sid);
  ::CloseHandle(token);
  return sid;
}

bool is_one_of(PSID sid, std::span<Sid> sids) {
  return std::ranges::any_of(
      sids, [sid](Sid& each) { return ::IsValidSid(raw(each)) && ::EqualSid(sid, raw(each)); });
}

std::vector<Sid> strangers() {
  return {known(WinWorldSid), known(WinBuiltinUsersSid), known(WinAuthenticatedUserSid),
          known(WinBuiltinGuestsSid), known(WinAnonymousSid)};
}

// CREATOR OWNER stands in lists that are handed down, and means nobody on the file itself.
std::vector<Sid> friends() {
  return {known(WinLocalSystemSid),
          known(WinBuiltinAdministratorsSid),
          known(WinCreatorOwnerSid),
          known(WinCreatorOwnerRightsSid),
          of_service(),
          of_process()};
}

constexpr DWORD content = FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA | WRITE_DAC | WRITE_OWNER |
                          GENERIC_READ | GENERIC_WRITE | GENERIC_ALL;
// Of a folder; the first two bits are FILE_WRITE_DATA and FILE_APPEND_DATA of a file.
constexpr DWORD to_change = FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD | WRITE_DAC |
                            WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;

// Whether the list gives one of these rights to one of those who are meant.
template <class IsMeant>
bool gives(PACL list, DWORD rights, IsMeant is_meant) {
  for (DWORD i = 0; i < list->AceCount; ++i) {
    void* ace = nullptr;
    if (!::GetAce(list, i, &ace)) continue;
    auto* const allowed = static_cast<ACCESS_ALLOWED_ACE*>(ace);
    if (allowed->Header.AceType != ACCESS_ALLOWED_ACE_TYPE ||
        (allowed->Header.AceFlags & INHERIT_ONLY_ACE) != 0 || (allowed->Mask & rights) == 0)
      continue;
    if (is_meant(static_cast<PSID>(&allowed->SidStart))) return true;
  }
  return false;
}

bool has_neither_lists_nor_links(HANDLE file) {
  DWORD features = 0;
  return ::GetVolumeInformationByHandleW(file, nullptr, 0, nullptr, nullptr, &features, nullptr, 0) &&
         (features & (FILE_PERSISTENT_ACLS | FILE_SUPPORTS_REPARSE_POINTS)) == 0;
}

}  // namespace

bool have_access(Others who, const std::filesystem::path& file) {
  PSID owner = nullptr;
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  const auto error = ::GetNamedSecurityInfoW(file.c_str(), SE_FILE_OBJECT,
                                             OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                                             nullptr, &list, nullptr, &descriptor);
  const std::unique_ptr<void, Freed> freed(descriptor);
  if (error != ERROR_SUCCESS) return false;
  if (!list) return true;  // no list: everybody may do everything, as on FAT
  auto sids = who == Others::everybody ? strangers() : friends();
  return gives(list, content, [&](PSID sid) {
    const bool is_owner = owner && ::EqualSid(sid, owner);
    return who == Others::everybody ? is_one_of(sid, sids) : !is_owner && !is_one_of(sid, sids);
  });
}

bool is_ours(HANDLE folder) {
  return has_neither_lists_nor_links(folder) || !may_be_changed_by_others(folder);
}

// The owner may change the list.
bool may_be_changed_by_others(HANDLE entry) {
  PSID owner = nullptr;
  PACL list = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  const auto error =
      ::GetSecurityInfo(entry, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                        nullptr, &list, nullptr, &descriptor);
  const std::unique_ptr<void, Freed> freed(descriptor);
  if (error != ERROR_SUCCESS || !owner || !list) return true;
  auto known_friends = friends();
  const auto is_friend = [&](PSID sid) { return is_one_of(sid, known_friends); };
  return !is_friend(owner) || gives(list, to_change, [&](PSID sid) { return !is_friend(sid); });
}

// By their numbers, for the names are in the language of the host.
std::string command_against(Others who, const std::filesystem::path& file) {
  const auto name = utf8_of(file);
  if (who == Others::everybody)
    return fmt::format("icacls \"{}\" /inheritance:d /remove *S-1-1-0 *S-1-5-32-545 *S-1-5-11", name);
  return fmt::format(
      "icacls \"{}\" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F \"NT SERVICE\\apdepot:F\"", name);
}

}  // namespace storage

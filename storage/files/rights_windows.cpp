#include "storage/files/rights_windows.hpp"

// After windows.h.
#include <aclapi.h>
#include <sddl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "storage/files/nt_windows.hpp"

namespace storage {
namespace {

struct Freed {
  void operator()(void* memory) const { ::LocalFree(memory); }
};
using Descriptor = std::unique_ptr<void, Freed>;

// NT SERVICE\apdepot: a name's number is the same on every host, whether there is such a service or not
// (`sc showsid apdepot`).
constexpr auto service = L"S-1-5-80-1875944996-2314027918-3532287419-1062229654-1382396166";

bool is_member(const wchar_t* sid_text) {
  PSID sid = nullptr;
  if (!::ConvertStringSidToSidW(sid_text, &sid)) return false;
  const Descriptor freed(sid);
  BOOL member = FALSE;
  return ::CheckTokenMembership(nullptr, sid, &member) && member;
}

std::wstring own_account() {
  const auto failed = [] { return std::system_error(last_error(), "cannot ask who runs this"); };
  HANDLE token = nullptr;
  if (!::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &token)) throw failed();
  const auto closed = owned(token);
  alignas(TOKEN_USER) std::array<std::byte, sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE> info{};
  DWORD size = 0;
  wchar_t* text = nullptr;
  if (!::GetTokenInformation(token, TokenUser, info.data(), static_cast<DWORD>(info.size()), &size) ||
      !::ConvertSidToStringSidW(reinterpret_cast<const TOKEN_USER*>(info.data())->User.Sid, &text))
    throw failed();
  const Descriptor freed(text);
  return text;
}

// The account of this process is not named where it has its rights as the service or as an administrator: the
// service would take an administrator for a stranger in its files, and LocalService is the account of others,
// too.
std::wstring private_list() {
  const auto all_to = [](const std::wstring& who) { return L"(A;OICI;FA;;;" + who + L")"; };
  auto list = L"D:P" + all_to(L"SY") + all_to(L"BA") + all_to(service);
  if (!is_member(service) && !is_member(L"S-1-5-32-544")) list += all_to(own_account());
  return list;
}

Descriptor make_private() {
  PSECURITY_DESCRIPTOR made = nullptr;
  if (!::ConvertStringSecurityDescriptorToSecurityDescriptorW(private_list().c_str(), SDDL_REVISION_1, &made,
                                                              nullptr))
    throw std::system_error(last_error(), "cannot make an access list");
  return Descriptor(made);
}

}  // namespace

PSECURITY_DESCRIPTOR rights_of(unsigned mode) {
  constexpr unsigned group_and_others = 077;
  if ((mode & group_and_others) != 0) return nullptr;
  static const Descriptor rights = make_private();
  return rights.get();
}

// Setting the list that is there makes Windows compute again what is inherited into it.
void inherit_rights(const std::filesystem::path& moved) noexcept {
  try {
    auto path = system_path(moved);
    PACL list = nullptr;
    PSECURITY_DESCRIPTOR there = nullptr;
    if (::GetNamedSecurityInfoW(path.c_str(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr,
                                &list, nullptr, &there) != ERROR_SUCCESS)
      return;
    const Descriptor freed(there);
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision = 0;
    if (!list || !::GetSecurityDescriptorControl(there, &control, &revision) ||
        (control & SE_DACL_PROTECTED) != 0)
      return;
    ::SetNamedSecurityInfoW(path.data(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr, list,
                            nullptr);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace storage

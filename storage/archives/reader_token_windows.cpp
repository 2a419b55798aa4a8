#include "storage/archives/reader_token_windows.hpp"

#include <vector>

#include "storage/files/nt_windows.hpp"

namespace storage {
namespace {

void check(BOOL done, const char* what) {
  if (!done) throw std::system_error(last_error(), what);
}

// What a token says of itself. The SIDs that are named in there stand in there, too.
class TokenFacts {
 public:
  TokenFacts(HANDLE token, TOKEN_INFORMATION_CLASS what) {
    DWORD size = 0;
    ::GetTokenInformation(token, what, nullptr, 0, &size);
    bytes_.resize(size);
    check(::GetTokenInformation(token, what, bytes_.data(), size, &size), "cannot read our own token");
  }
  template <class Facts>
  const Facts& as() const {
    return *reinterpret_cast<const Facts*>(bytes_.data());
  }

 private:
  std::vector<std::byte> bytes_;
};

Handle own_token() {
  HANDLE token = nullptr;
  constexpr DWORD rights = TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_IMPERSONATE | TOKEN_ASSIGN_PRIMARY;
  check(::OpenProcessToken(::GetCurrentProcess(), rights, &token), "cannot open our own token");
  return owned(token);
}

Handle restricted(HANDLE token, DWORD flags, std::vector<SID_AND_ATTRIBUTES>& to_deny_only,
                  std::vector<SID_AND_ATTRIBUTES>& restricting) {
  HANDLE made = nullptr;
  check(::CreateRestrictedToken(token, flags, static_cast<DWORD>(to_deny_only.size()), to_deny_only.data(), 0,
                                nullptr, static_cast<DWORD>(restricting.size()), restricting.data(), &made),
        "cannot make a token with fewer rights");
  return owned(made);
}

Handle impersonation(HANDLE token) {
  HANDLE made = nullptr;
  check(::DuplicateTokenEx(token, TOKEN_IMPERSONATE | TOKEN_QUERY | TOKEN_DUPLICATE, nullptr,
                           SecurityImpersonation, TokenImpersonation, &made),
        "cannot make a thread's token");
  return owned(made);
}

}  // namespace

ReaderTokens make_reader_tokens() {
  const Handle own = own_token();
  const TokenFacts user(native(own), TokenUser), groups(native(own), TokenGroups);
  const auto& all_groups = groups.as<TOKEN_GROUPS>();
  // A logon SID cannot be for denying alone.
  std::vector<SID_AND_ATTRIBUTES> us{{user.as<TOKEN_USER>().User.Sid, 0}}, to_deny_only = us, none;
  for (DWORD i = 0; i < all_groups.GroupCount; ++i) {
    const auto& group = all_groups.Groups[i];
    if ((group.Attributes & SE_GROUP_INTEGRITY) != 0) continue;
    us.push_back({group.Sid, 0});
    if ((group.Attributes & SE_GROUP_LOGON_ID) != SE_GROUP_LOGON_ID) to_deny_only.push_back({group.Sid, 0});
  }
  SID_IDENTIFIER_AUTHORITY null_authority{SECURITY_NULL_SID_AUTHORITY};
  SID nobody{SID_REVISION, 1, null_authority, {SECURITY_NULL_RID}};
  std::vector<SID_AND_ATTRIBUTES> nobody_alone{{&nobody, 0}};
  // The thread's token must be a restricted one, too, or the process could not have it; that of our own SIDs
  // restricts nothing.
  const Handle as_we_are = restricted(native(own), 0, none, us);
  return {restricted(native(own), DISABLE_MAX_PRIVILEGE, to_deny_only, nobody_alone),
          impersonation(native(as_we_are))};
}

}  // namespace storage

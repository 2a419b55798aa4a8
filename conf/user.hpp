#pragma once
#include <string>
#include <vector>

namespace conf {

// A user's rights on the page: none, to look at it, or to change things too.
enum class WebRole { none, viewer, admin };

// An account: an entry of `ssh.users` or of the users file.
struct User {
  std::string name;
  std::string password_hash;  // as server/password makes it; empty: no password opens this account
  std::vector<std::string> authorized_keys;  // OpenSSH lines
  std::string root = "/";                    // a folder of images/ that this user sees as "/"
  bool uploads = false;
  WebRole web = WebRole::none;
  bool sftp = true;  // may log in over SFTP and SCP
};

}  // namespace conf

#pragma once
#include "server/accounts/ssh_handles.hpp"

namespace server::ssh {

// Makes a message ours that libssh shows to its message callback, and frees afterwards. Otherwise libssh
// keeps messages only where nobody has set callbacks; but without those it answers gssapi-with-mic by asking
// DNS for this host's name. What is left to libssh is a message of no kind. Nothing when memory is short:
// then the message stays as it was. On any thread, inside the callback.
Message take_over(ssh_message shown);

}  // namespace server::ssh

#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace server::host {

// What a message tells an administrator of this system to type. Texts alone; any thread.

// The configuration that is taken where none is named.
std::filesystem::path usual_config();

// Commands, as they stand in a message: "systemctl restart apdepot". Of the service:
extern const char* const start;
extern const char* const restart;
extern const char* const reload;
extern const char* const status;
extern const char* const enable;   // so that it starts with the host
extern const char* const install;  // where the host has none
// Of its log:
extern const char* const log;
extern const char* const log_warnings;
extern const char* const log_errors;
extern const char* const log_of_history;
// Of the host:
extern const char* const set_clock;      // lets something keep the clock right
extern const char* const upgrade;        // brings the fixes of a library, whose package stands for {}
extern const char* const all_listeners;  // shows what listens where
extern const char* const move_sshd;      // gives OpenSSH's server another port
// "sudo ", where a command takes more rights than its user has.
extern const char* const sudo;
// What to do where the host has no such user.
extern const char* const name_a_user;
// Who may do everything, and how that one runs a command: "root", "as root".
extern const char* const administrator;
extern const char* const as_administrator;
// Who may find out what the server may do: "root and that user".
extern const char* const who_sees_rights;
// "systemd".
extern const char* const service_manager;

std::string listeners(bool tcp, std::uint16_t port);
std::string route_to(const std::string& host);
// Makes a folder, with all that is in it, or a file a user's.
std::string give(const std::string& user, const std::string& folder);
std::string give_file(const std::string& user, const std::string& file);
// Lets everybody read a folder and all that is in it.
std::string let_read(const std::string& folder);
// Where the service manager keeps the service from writing into a folder: what to change, for a sentence.
std::string let_service_write(const std::string& folder);
std::string move(const std::string& from, const std::string& to);
std::string stop_for_good(const std::string& service);
std::string stop_process(std::uint32_t number);

}  // namespace server::host

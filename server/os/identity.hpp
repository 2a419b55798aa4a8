#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace server {

// A user of this host. Everything here is for the time before any thread is started.
struct Account {
  std::string name;  // the number, where the host has no name for it
  std::uint32_t uid = 0, gid = 0;
  bool is_root() const { return uid == 0; }
  friend bool operator==(const Account&, const Account&) = default;
};

// By its name or its number; nothing for a name that this host does not know. root needs no entry.
std::optional<Account> find_account(const std::string& name);
// Nothing where there is no such directory.
std::optional<Account> owner_of(const std::filesystem::path& directory);
// Whom a server of `depot` runs as, as far as the host says: the owner, or on Windows the service's account,
// and where there is none whoever asks.
std::optional<Account> server_account(const std::filesystem::path& depot);
Account own_account();  // whose rights this process has

// Makes root `account` for good: no group and no capability of root stays, and neither this process nor what
// it may start can get one again. Throws std::system_error with a sentence for the administrator.
void become(const Account& account);
// For a process that is not root, and was given capabilities to bind its ports with.
void give_up_capabilities();

// Makes `directory` for `account`, with those above it for whoever runs this. Leaves one that exists alone.
// Throws std::system_error.
void make_directory_of(const Account& account, const std::filesystem::path& directory);

// For root: makes `file`, empty and for `account` alone, or gives it one of root's that is there. Leaves a
// link and what is another user's alone. Throws std::system_error.
void make_file_of(const Account& account, const std::filesystem::path& file);

// Whether `account` reads `file`, which is for few: on Linux its owner does, on Windows whom the access list
// names. True where nobody can tell.
bool may_read(const Account& account, const std::filesystem::path& file);

// Whom a server that root starts becomes: `flag` (--user) or else `setting` (user), or else the owner of the
// depot, or else apdepot. Nothing where that leaves nobody but root, who must have been named.
struct Candidates {
  std::optional<Account> named, owner, apdepot;
};
std::optional<Account> choose_account(const Candidates& candidates);

// Of a directory with an absolute path that is not there yet, whose folder it would be made in.
std::optional<Account> owner_or_heir_of(std::filesystem::path directory);

// The first folder or link on the way to `directory`, itself included, that others than root may change, so
// that they could put something else in its place. What is missing has no way.
std::optional<std::filesystem::path> others_may_change(const std::filesystem::path& directory);

// What root makes in a depot is to belong to the depot's owner, whom the service runs as, and what the owner
// put there is to hurt only the owner: root becomes the owner for good. What root alone may read is opened
// before. Does nothing for others than root. Throws std::runtime_error where the directory is root's and
// others may change `within` it, or what leads there.
void act_as_owner_of(const std::filesystem::path& directory, const std::filesystem::path& within = {});

// The same for a command that tells what the service would do: root becomes whom the service would run as.
// Where that is nobody, root is as careful with the directory.
void act_as_service(const Candidates& candidates, const std::filesystem::path& directory,
                    const std::filesystem::path& within);

// Throws std::runtime_error where somebody without rights may have put `config` there, which nobody has
// named: on Windows every user may make a folder in %ProgramData%. Linux: /etc is root's.
void expect_of_administrator(const std::filesystem::path& config);

// Throws std::runtime_error with the command that fixes it, where this user may not use what is in the depot.
void expect_in_reach(const std::filesystem::path& depot);

}  // namespace server

#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace server {

// The files and folders that the server uses after its start, beside its own program, its libraries and what
// the system's libraries read (/etc, /proc, time zones). A folder stands for all that is below it.
struct UsedPlaces {
  std::vector<std::filesystem::path> written, read;
};

// Leaves this process, for good, only what the server does: it uses no other files, starts no other program
// and makes no system call that it has no need for (those fail with ENOSYS), whoever it runs as and whoever
// started it. Linux: Landlock, and seccomp with a list of what is allowed. Before any thread is started:
// threads have what the one had that started them.
//
struct Confinement {
  bool files = false;                // the first holds
  std::vector<std::string> missing;  // what does not, because the kernel lacks or refuses it: a sentence each
};
Confinement confine(const UsedPlaces& places);

}  // namespace server

#pragma once
#include <filesystem>

namespace server {

// What root makes in a depot is to belong to the depot's owner, whom the service runs as: it could neither
// read nor retire what is root's. From here on this process makes files as the owner of `directory`, and
// keeps its other rights, for the files that it is given may be root's alone. Does nothing for others than
// root, and where there is no such directory. Before any thread is started. (Linux: seteuid(2),
// capabilities(7).)
void act_as_owner_of(const std::filesystem::path& directory);

}  // namespace server

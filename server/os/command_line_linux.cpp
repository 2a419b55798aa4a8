#include "server/os/command_line.hpp"

namespace server {

CommandLine::CommandLine(int count, char** words) : pointers_(words, words + count) {}
void CommandLine::let_read() const {}

}  // namespace server

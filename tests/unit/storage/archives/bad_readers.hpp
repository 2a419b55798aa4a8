#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/archives/reader_frame.hpp"

namespace test {

// What a reader does that a hostile archive has taken over, or broken. The unit tests' own program is started
// as one.
constexpr std::string_view bad_reader_word = "bad-reader";

int run_bad_reader(std::string_view name);
std::vector<std::string> bad_reader(std::string_view name);

// What one does until it ends with that status, by its name; of each system those that it alone can have.
using BadReaders = std::map<std::string_view, int (*)()>;
BadReaders bad_readers_of_system();

// Sends that frame to who listens, and is 0.
int say(storage::FrameKind kind, std::string_view text = {});

}  // namespace test

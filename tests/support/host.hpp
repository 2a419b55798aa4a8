#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "storage/files/file.hpp"

namespace test {

// What others may put among the files of a depot. False where this host makes no such thing: wine makes no
// links, Windows lets only some users make them, and a FIFO is nothing that Windows has.
bool make_link(const std::filesystem::path& target, const std::filesystem::path& link);
bool make_fifo(const std::filesystem::path& fifo);

// The permission bits of a file, where the host has them; false where it has not.
bool set_mode(const std::filesystem::path& file, unsigned mode);
std::optional<unsigned> mode_of(const std::filesystem::path& file);

// Where an open file lies by now.
std::filesystem::path place_of(const storage::Handle& file);

// Nothing: it is not set.
void set_variable(const std::string& name, const std::optional<std::string>& value);

}  // namespace test

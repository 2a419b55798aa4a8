#pragma once
#include <filesystem>

namespace storage {
class Depot;
}  // namespace storage

namespace server {

// The groups that a client may be given in a group exchange (RFC 4419), in the form of moduli(5). libssh
// reads the file again for each such handshake, on the loop: it must stay small, and without one libssh
// offers 8192 bits.
std::filesystem::path moduli_file(const storage::Depot& depot);

// Writes it. Blocks: for a worker. Throws std::exception with a sentence.
void write_moduli(const storage::Depot& depot);

}  // namespace server

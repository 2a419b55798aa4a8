#include "server/ssh/moduli.hpp"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/files/durable.hpp"

namespace server {
namespace {

// Time, type (a safe prime), tests (sieve and Miller-Rabin), trials, bits less one, generator, prime.
std::string line(BIGNUM* prime) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> owner(prime, BN_free);
  const std::unique_ptr<char, void (*)(char*)> hex(prime ? BN_bn2hex(prime) : nullptr,
                                                   [](char* text) { OPENSSL_free(text); });
  if (!hex) throw std::runtime_error("not enough memory for the groups of a key exchange");
  return fmt::format("20030501000000 2 6 100 {} 2 {}\n", BN_num_bits(prime) - 1, hex.get());
}

}  // namespace

std::filesystem::path moduli_file(const storage::Depot& depot) { return depot.state() / "moduli"; }

// Groups 14 and 15 of RFC 3526: more bits would hold up the loop.
void write_moduli(const storage::Depot& depot) {
  const auto text = "# Written by apdepot at each start.\n" + line(BN_get_rfc3526_prime_2048(nullptr)) +
                    line(BN_get_rfc3526_prime_3072(nullptr));
  storage::write_durably(moduli_file(depot), text, 0600);
}

}  // namespace server

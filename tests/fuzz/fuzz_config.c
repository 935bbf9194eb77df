/* The reader of configuration files, environment and packed settings: any bytes give settings that
 * are sound or an error with a text. The first byte chooses the reader. */
#include "base/buffer.h"
#include "base/config.h"
#include "base/scope.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static barks_status *read_as_variable(struct config *config, const uint8_t *data, size_t size)
{
    char *variable = malloc(size + 7);
    require(variable != NULL);
    memcpy(variable, "BARKS_", 6);
    memcpy(variable + 6, data, size);
    variable[size + 6] = '\0';
    char *environment[] = {variable, NULL};
    barks_status *status = config_read_environment(config, environment);
    free(variable);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    BARKS_AUTO(config) config = {0};
    BARKS_AUTO(config) unpacked = {0};
    BARKS_AUTO(buffer) packed = {.limit_bytes = SIZE_MAX};
    barks_status *status = NULL;
    if (data[0] == 'p') {
        status = config_unpack(&unpacked, data + 1, size - 1);
        require(status != NULL || config_is_sound(&unpacked));
        barks_status_free(status);
        return 0;
    }
    require(config_init(&config) == NULL);
    if (data[0] == 'v')
        status = read_as_variable(&config, data + 1, size - 1);
    else
        status = config_read_text(&config, "fuzz", (const char *)data + 1, size - 1);
    require(config_is_sound(&config));
    if (status != NULL) {
        require(barks_status_text(status)[0] != '\0');
        barks_status_free(status);
        return 0;
    }
    require(config_pack(&config, &packed) == NULL);
    require(config_unpack(&unpacked, packed.data, packed.size_bytes) == NULL);
    for (int key = 0; key < CONFIG_COUNT; key++) {
        require(config.values[key].number == unpacked.values[key].number);
        require(strcmp(config.values[key].text, unpacked.values[key].text) == 0);
    }
    return 0;
}

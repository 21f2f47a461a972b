import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";

registry.category("views").add("crm_email_composer", {...formView});
